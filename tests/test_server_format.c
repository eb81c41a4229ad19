/* Which form a client would rather have. */
#include "server/format.h"
#include "tests/test.h"

TEST(accept_is_weighed)
{
    enum { NONE = FORMAT_COUNT };
    static const struct {
        const char *accept;
        int want;
    } cases[] = {
        {NULL, FORMAT_JSON},
        {"", FORMAT_JSON},
        {"*/*", FORMAT_JSON},
        {"text/csv", FORMAT_CSV},
        {"TEXT/CSV", FORMAT_CSV},
        {"text/*", FORMAT_CSV},
        {"application/x-ndjson", FORMAT_NDJSON},
        {"application/jsonl", FORMAT_NDJSON},
        {"application/*", FORMAT_JSON},
        {"text/csv;q=0.5, application/json;q=0.4", FORMAT_CSV},
        {"text/csv;q=0.4, application/json;q=0.5", FORMAT_JSON},
        {"text/csv, application/json", FORMAT_CSV}, /* what is named first, of equals */
        {"*/*, text/csv", FORMAT_CSV},              /* what is named, before anything */
        {"text/csv; charset=utf-8; q=0.9, */*;q=0.1", FORMAT_CSV},
        {"application/json;q=0, */*", FORMAT_CSV},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", FORMAT_JSON},
        {"application/json;q=banana", FORMAT_JSON},
        {"image/png", NONE},
        {"application/json;q=0", NONE},
        {"*/*;q=0", NONE},
        {",,;;", NONE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].accept != NULL ? cases[i].accept : "(none)");
        Format got = FORMAT_JSON;
        bool found = format_negotiate(str_of(cases[i].accept), FORMATS_ROWS, &got);
        CHECK_INT(cases[i].want, found ? (int) got : (int) NONE);
    }
}

TEST(only_what_is_offered_is_chosen)
{
    Format got = FORMAT_CSV;
    CHECK(format_negotiate(STR("text/csv, */*;q=0.1"), FORMAT_BIT(FORMAT_JSON), &got));
    CHECK_INT(FORMAT_JSON, got);
    CHECK(!format_find(STR("csv"), FORMAT_BIT(FORMAT_JSON), &got));
    CHECK(format_find(STR("CSV"), FORMATS_ROWS, &got));
    CHECK_INT(FORMAT_CSV, got);
    CHECK(!format_find(STR("xml"), FORMATS_ROWS, &got));
}
