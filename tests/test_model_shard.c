#include "model/shard.h"

#include "tests/test.h"

#include <stdio.h>

enum { STATIONS = 5400 };

static Str station(int i, char text[static 16])
{
    (void) snprintf(text, 16, "E%04dTH", i);
    return str_of(text);
}

/* Which of `count` shards has it; it is one, exactly. */
static uint32_t owner(Str id, uint32_t count)
{
    uint32_t found = 0, owners = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!shard_has_station((Shard){.index = i, .count = count}, id))
            continue;
        found = i;
        owners++;
    }
    CHECK_INT(1, owners);
    return found;
}

TEST(shard_is_read_as_k_of_n)
{
    static const struct {
        const char *text;
        bool ok;
        uint32_t index, count;
    } cases[] = {
        {"2/5", true, 1, 5},    {"1/1", true, 0, 1},
        {"", true, 0, 1},       {"1000/1000", true, 999, 1000},
        {"0/5", false, 0, 0},   {"6/5", false, 0, 0},
        {"1/0", false, 0, 0},   {"1/1001", false, 0, 0},
        {"2", false, 0, 0},     {"-1/5", false, 0, 0},
        {"1/5/2", false, 0, 0}, {"a/b", false, 0, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Shard got = {.count = 99};
        CASE(cases[i].text);
        CHECK_INT(cases[i].ok, shard_parse(str_of(cases[i].text), &got));
        if (!cases[i].ok)
            continue;
        CHECK_INT(cases[i].index, got.index);
        CHECK_INT(cases[i].count, got.count);
    }
}

/* Another release must share the network as this one does: these may never change. */
TEST(shard_of_a_station_is_for_ever)
{
    static const struct {
        const char *id;
        uint32_t of_2, of_5, of_1000;
    } cases[] = {
        {"", 0, 0, 373},       {"1491TH", 0, 0, 694},
        {"E7050", 0, 3, 243},  {"E2900-anglian", 1, 1, 74},
        {"Edgeh1", 0, 0, 897}, {"EdgeH1", 1, 1, 483},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].id);
        CHECK_INT(cases[i].of_2, owner(str_of(cases[i].id), 2));
        CHECK_INT(cases[i].of_5, owner(str_of(cases[i].id), 5));
        CHECK_INT(cases[i].of_1000, owner(str_of(cases[i].id), 1000));
    }
}

TEST(shard_takes_its_share_and_only_what_moves_to_a_new_one_moves)
{
    for (uint32_t count = 1; count <= 8; count++) {
        int64_t held[16] = {0}, moved = 0;
        for (int i = 0; i < STATIONS; i++) {
            char text[16];
            uint32_t before = owner(station(i, text), count);
            uint32_t after = owner(station(i, text), count + 1);
            held[before]++;
            if (before == after)
                continue;
            CHECK_INT(count, after); /* to the new one */
            moved++;
        }
        for (uint32_t i = 0; i < count; i++) { /* a binomial: 5 standard deviations and more */
            CHECK(held[i] * count > STATIONS * 8 / 10);
            CHECK(held[i] * count < STATIONS * 12 / 10);
        }
        CHECK(moved * (count + 1) > STATIONS * 8 / 10);
        CHECK(moved * (count + 1) < STATIONS * 12 / 10);
    }
}

TEST(shard_of_a_measure_is_that_of_its_station)
{
    for (uint32_t index = 0; index < 5; index++) {
        Shard shard = {.index = index, .count = 5};
        CHECK_INT(shard_has_station(shard, STR("E2900-anglian")),
                  shard_has_measure(shard, STR("E2900-anglian-level-tidal_level-i-15_min---")));
        CHECK_INT(shard_has_station(shard, STR("illegible")),
                  shard_has_measure(shard, STR("illegible")));
        CHECK_INT(shard_has_station(shard, STR("")), shard_has_measure(shard, STR_NONE));
    }
    CHECK(shard_has_station((Shard){.count = 0}, STR("any")));
    CHECK(shard_has_measure((Shard){.count = 1}, STR("any")));
}
