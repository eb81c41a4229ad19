/* What is taken from the answer to one station alone: only what lists leave out. */
#include "ingest/parse.h"
#include "tests/test.h"

/* "A1: {...}, A1-flow: {...}", in the order in which they came. */
static void put_mores(const Batch *batch, Buf *out)
{
    for (size_t i = 0; i < batch->more_count; i++) {
        const More *more = &batch->mores[i];
        buf_printf(out, "%s%s " STR_FMT ": " STR_FMT, i > 0 ? ", " : "",
                   more->is_measure ? "measure" : "station", STR_ARG(more->id),
                   STR_ARG(more->json));
    }
}

TEST(parse_station_more_takes_what_lists_leave_out)
{
    static const struct {
        const char *name, *json, *want;
        ErrCode code;
        int64_t refused;
    } cases[] = {
        {"without measures",
         "{\"items\": { \"notation\" : \"A\" , \"label\": \"x\", \"type\" : [ \"S\" , \"T U\" ] }}",
         "station A: {\"type\":[\"S\",\"T U\"]}", OK, 0},
        {"nothing more", "{\"items\":{\"notation\":\"A\",\"lat\":1}}", "station A: {}", OK, 0},
        {"one measure, bare (Q4)",
         "{\"items\":{\"measures\":{\"notation\":\"m\",\"type\":\"M\",\"latestReading\":{}},"
         "\"notation\":\"A\",\"eaAreaName\":\"a \\\" b\"}}",
         "station A: {\"eaAreaName\":\"a \\\" b\"}, measure m: {\"type\":\"M\"}", OK, 0},
        {"several measures",
         "{\"items\":{\"measures\":[{\"notation\":\"m\",\"x\":1},{\"notation\":\"n\"}],"
         "\"notation\":\"A\"}}",
         "station A: {}, measure m: {\"x\":1}, measure n: {}", OK, 0},
        {"measures that are addresses", "{\"items\":{\"measures\":[\"u\"],\"notation\":\"A\"}}",
         "station A: {}", OK, 0},
        {"without a notation", "{\"items\":{\"label\":\"x\"}}", "", OK, 1},
        {"a list", "{\"items\":[]}", "", ERR_FORMAT, 0},
        {"cut", "{\"items\":{\"notation\":\"A\"", "", ERR_FORMAT, 0},
        {"no document", "<html>", "", ERR_FORMAT, 0},
        {"empty", "", "", ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf got = buf_init(4096);
        Batch batch = batch_init();
        Err err = {.code = OK};
        CASE(cases[i].name);
        CHECK_INT(cases[i].code, parse_station_more(str_of(cases[i].json), &batch, &err));
        CHECK_INT(cases[i].refused, batch.item_refused_count);
        buf_put_str(&got, STR(""));
        put_mores(&batch, &got);
        CHECK_STR(str_of(cases[i].want), got.len > 0 ? buf_view(&got) : STR(""));
        batch_release(&batch);
    }
}
