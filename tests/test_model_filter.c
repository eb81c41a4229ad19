#include "model/filter.h"

#include "tests/test.h"

#include <math.h>

/* A list of one value for a filter. */
#define ONE(text) ((StrList){.items = (Str[]){str_of(text)}, .count = 1})

static Station abingdon(void)
{
    return (Station){
        .id = STR("1491TH"),
        .reference = STR("1491TH"),
        .label = STR("Abingdon  Peachcroft "), /* double and trailing blanks (Q19) */
        .river = STR("Radley Park Ditch"),
        .catchment = STR("Thames, Ock and St. John's"),
        .town = STR("Abingdon"),
        .status = STR("Active"),
        .type = STR("SingleLevel"),
        .rloi_id = STR("7121"),
        .wiski_id = STR("1491TH"),
        .lat_deg = 51.6716,
        .long_deg = -1.2822,
    };
}

static Station twice(void)
{
    Station station = abingdon();
    station.id = STR("E2900-anglian");
    station.label = STR("Erith Deep Wharf");
    station.label_all = STR("Erith Deep Wharf\nErith Deep Wharf TL");
    station.river = STR("River Thames");
    station.river_all = STR("River Thames\nRiver Darent");
    station.town = STR_NONE;
    station.rloi_id = STR("9472");
    station.rloi_id_all = STR("9472\n9635");
    station.type = STR("Coastal");
    station.type_all = STR("Coastal\nTideGauge");
    station.lat_deg = station.long_deg = NAN;
    return station;
}

TEST(filter_without_a_wish_takes_everything)
{
    Filter filter = {.has_circle = false};
    Station station = abingdon(), bare = {.lat_deg = NAN, .long_deg = NAN};
    Measure measure = {.id = STR("m")}, none = {.id = STR("")};
    CHECK(filter_takes_station(&filter, &station));
    CHECK(filter_takes_station(&filter, &bare));
    CHECK(filter_takes_measure(&filter, &measure));
    CHECK(filter_takes_measure(&filter, &none));
    CHECK(!filter_narrows_measures(&filter));
}

TEST(filter_fields_of_a_station)
{
    const Station a = abingdon(), b = twice();
    const struct {
        const char *name;
        Filter filter;
        bool takes_a, takes_b;
    } cases[] = {
        {"station", {.station = ONE("1491TH")}, true, false},
        {"station, other case", {.station = ONE("1491th")}, false, false},
        {"reference", {.reference = ONE("1491TH")}, true, true},
        {"reference is exact", {.reference = ONE("1491TH ")}, false, false},
        {"rloi", {.rloi_id = ONE("7121")}, true, false},
        {"rloi, second value", {.rloi_id = ONE("9635")}, false, true},
        {"rloi is not a list of lines", {.rloi_id = ONE("9472\n9635")}, false, false},
        {"wiski", {.wiski_id = ONE("1491TH")}, true, true},
        {"river", {.river = ONE("Radley Park Ditch")}, true, false},
        {"river without case", {.river = ONE("rADLEY pARK dITCH")}, true, false},
        {"river, runs of blanks", {.river = ONE("  Radley \t Park   Ditch ")}, true, false},
        {"river, part of it", {.river = ONE("Radley Park")}, false, false},
        {"river, more than it", {.river = ONE("Radley Park Ditch 2")}, false, false},
        {"river, without its blanks", {.river = ONE("RadleyParkDitch")}, false, false},
        {"river, a blank too many", {.river = ONE("Radley Park Di tch")}, false, false},
        {"river, second value", {.river = ONE("river darent")}, false, true},
        {"river, first value", {.river = ONE("RIVER THAMES")}, false, true},
        {"catchment with commas", {.catchment = ONE("thames, ock and st. john's")}, true, true},
        {"town", {.town = ONE("abingdon")}, true, false},
        {"town that is missing is not empty", {.town = ONE("")}, false, false},
        {"status", {.status = ONE("active")}, true, true},
        {"status, another", {.status = ONE("Closed")}, false, false},
        {"type", {.type = ONE("singlelevel")}, true, false},
        {"type, second value", {.type = ONE("TideGauge")}, false, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].takes_a, filter_takes_station(&cases[i].filter, &a));
        CHECK_INT(cases[i].takes_b, filter_takes_station(&cases[i].filter, &b));
        CHECK(!filter_narrows_measures(&cases[i].filter));
    }
}

TEST(filter_values_are_or_and_filters_are_and)
{
    const Station a = abingdon();
    Str rivers[] = {STR("River Severn"), STR("radley park ditch")};
    Filter filter = {.river = {rivers, 2}};
    CHECK(filter_takes_station(&filter, &a));
    filter.town = ONE("Abingdon");
    CHECK(filter_takes_station(&filter, &a));
    filter.status = ONE("Closed");
    CHECK(!filter_takes_station(&filter, &a));
}

TEST(filter_empty_id_is_a_station)
{
    Station station = abingdon();
    station.id = STR(""); /* Q14 */
    Filter filter = {.station = ONE("")};
    CHECK(filter_takes_station(&filter, &station));
    station.id = STR("1491TH");
    CHECK(!filter_takes_station(&filter, &station));
}

TEST(filter_fields_of_a_measure)
{
    const Measure measure = {
        .id = STR("1491TH-level-stage-i-15_min-mASD"),
        .parameter = STR("level"),
        .qualifier = STR("Downstream Stage"),
    };
    const Measure bare = {.id = STR("x")};
    const struct {
        const char *name;
        Filter filter;
        bool takes, takes_bare;
    } cases[] = {
        {"measure", {.measure = ONE("1491TH-level-stage-i-15_min-mASD")}, true, false},
        {"measure, other case", {.measure = ONE("1491th-level-stage-i-15_min-mASD")}, false, false},
        {"parameter", {.parameter = ONE("Level")}, true, false},
        {"parameter, another", {.parameter = ONE("flow")}, false, false},
        {"qualifier", {.qualifier = ONE("downstream stage")}, true, false},
        {"qualifier, part of it", {.qualifier = ONE("stage")}, false, false},
        {"both", {.parameter = ONE("level"), .qualifier = ONE("Stage")}, false, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].takes, filter_takes_measure(&cases[i].filter, &measure));
        CHECK_INT(cases[i].takes_bare, filter_takes_measure(&cases[i].filter, &bare));
        CHECK(filter_narrows_measures(&cases[i].filter));
    }
}

TEST(filter_words_are_prefixes_of_tokens)
{
    static const struct {
        const char *q;
        bool takes_a, takes_b;
    } cases[] = {
        {"abingdon", true, false},
        {"ABING", true, false},
        {"ingdon", false, false}, /* not from within a token */
        {"peach abing", true, false},
        {"abing severn", false, false}, /* every word */
        {"radley", true, false},        /* river */
        {"ock", true, true},            /* catchment */
        {"1491", true, false},          /* id */
        {"anglian", false, true},       /* behind a hyphen a token begins */
        {"E2900-angl", false, true},    /* as the id goes on */
        {"E2900_angl", false, false},
        {"john", true, true},
        {"John's", true, true},
        {"Johns", false, false},
        {"St.", true, true},
        {"darent tl", false, true}, /* second values */
        {"thames", true, true},
        {"  \t ", true, true},
        {"", true, true},
        {"- & (ditch)", false, false}, /* the bracket behind is not in the text */
        {"- & (ditch", true, false},   /* punctuation in front asks nothing */
        {"-", true, true},
        {"ditchwater", false, false},
    };
    const Station a = abingdon(), b = twice();
    for (size_t i = 0; i < countof(cases); i++) {
        const Filter filter = {.q = ONE(cases[i].q)};
        CASE(cases[i].q);
        CHECK_INT(cases[i].takes_a, filter_takes_station(&filter, &a));
        CHECK_INT(cases[i].takes_b, filter_takes_station(&filter, &b));
    }
}

TEST(filter_words_take_bytes_beyond_ascii_as_letters)
{
    Station station = abingdon();
    station.label = STR("Afon D\xc5\xb5r");
    Filter filter = {.q = ONE("d\xc5\xb5")};
    CHECK(filter_takes_station(&filter, &station));
    filter.q = ONE("r");
    CHECK(filter_takes_station(&filter, &station)); /* Radley */
    station.river = station.catchment = STR_NONE;
    CHECK(!filter_takes_station(&filter, &station)); /* the letter does not end a token */
}

TEST(filter_words_know_every_letter_and_digit)
{
    static const char ALL[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char *c = ALL; *c != '\0'; c++) {
        const char text[] = {*c, 'q', '-', *c, 'w', '\0'};
        const char upper[] = {(char) (*c >= 'a' ? *c - 'a' + 'A' : *c), '\0'};
        Station station = {.id = str_of(text)};
        Filter filter = {.q = ONE(upper)};
        CASE(text);
        CHECK(filter_has_word(str_of(upper)));
        CHECK(filter_takes_station(&filter, &station));
        filter.q = ONE("w"); /* within a token, but of its own */
        CHECK_INT(*c == 'w' || *c == 'W', filter_takes_station(&filter, &station));
    }
}

TEST(filter_takes_what_any_of_several_searches_finds)
{
    static const struct {
        const char *name;
        const char *q[3];
        bool takes_a, takes_b;
    } cases[] = {
        {"the first", {"radley", "nowhere"}, true, false},
        {"the last", {"nowhere", "nothing", "darent"}, false, true},
        {"each one", {"radley", "darent"}, true, true},
        {"none", {"nowhere", "nothing"}, false, false},
        {"words of one go together", {"radley darent", "peach erith"}, false, false},
    };
    const Station a = abingdon(), b = twice();
    for (size_t i = 0; i < countof(cases); i++) {
        Str q[3];
        size_t count = 0;
        for (; count < countof(q) && cases[i].q[count] != NULL; count++)
            q[count] = str_of(cases[i].q[count]);
        const Filter filter = {.q = {q, count}};
        CASE(cases[i].name);
        CHECK_INT(cases[i].takes_a, filter_takes_station(&filter, &a));
        CHECK_INT(cases[i].takes_b, filter_takes_station(&filter, &b));
    }
}

TEST(filter_has_word_where_a_token_begins)
{
    static const struct {
        const char *q;
        bool has;
    } cases[] = {{" one\t two", true}, {"(four), ", true}, {"9", true},   {"\xc5\xb5", true},
                 {"", false},          {" \t\r\n", false}, {"-&(", false}};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].q);
        CHECK_INT(cases[i].has, filter_has_word(str_of(cases[i].q)));
    }
    CHECK(!filter_has_word(STR_NONE));
}

TEST(filter_box)
{
    static const struct {
        const char *name;
        double w, s, e, n, lat, lon;
        bool takes;
    } cases[] = {
        {"inside", -2, 51, -1, 52, 51.67, -1.28, true},
        {"on its edges", -1.28, 51.67, -1.28, 51.67, 51.67, -1.28, true},
        {"north of it", -2, 51, -1, 51.6, 51.67, -1.28, false},
        {"south of it", -2, 51.7, -1, 52, 51.67, -1.28, false},
        {"east of it", -2, 51, -1.3, 52, 51.67, -1.28, false},
        {"west of it", -1.2, 51, -1, 52, 51.67, -1.28, false},
        {"a line has no width", -1.28, 51, -1.28, 52, 51.67, -1.27, false},
        {"across the date line, east part", 170, -90, -170, 90, 0, 175, true},
        {"across the date line, west part", 170, -90, -170, 90, 0, -175, true},
        {"across the date line, between", 170, -90, -170, 90, 0, 0, false},
        {"no coordinates", -180, -90, 180, 90, NAN, NAN, false},
        {"no coordinates, across the date line", 170, -90, -170, 90, NAN, NAN, false},
        {"no longitude", -180, -90, 180, 90, 51, NAN, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Station station = {.lat_deg = cases[i].lat, .long_deg = cases[i].lon};
        Box box = {cases[i].w, cases[i].s, cases[i].e, cases[i].n};
        const Filter filter = {.boxes = {&box, 1}};
        CASE(cases[i].name);
        CHECK_INT(cases[i].takes, filter_takes_station(&filter, &station));
    }
}

TEST(filter_takes_what_lies_in_any_of_several_boxes)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    const Station a = abingdon(), b = twice();
    const Box around = {-2, 51, -1, 52};
    Filter filter = {.has_circle = false}, copy;
    for (int i = 0; i < 9; i++) {
        const Box elsewhere = {10 + i, 0, 11 + i, 1};
        CHECK_INT(i == 0, filter_takes_station(&filter, &a)); /* without a box anywhere is good */
        REQUIRE(box_list_add(&arena, &filter.boxes, &elsewhere));
    }
    REQUIRE(box_list_add(&arena, &filter.boxes, &around));
    CHECK(filter_takes_station(&filter, &a));
    CHECK(!filter_takes_station(&filter, &b));
    REQUIRE(filter_copy(&arena, &filter, &copy));
    filter.boxes.items[9] = (Box){0, 0, 1, 1};
    CHECK(filter_takes_station(&copy, &a)); /* it has boxes of its own */
}

static void check_distance(double want_km, double tolerance_km, double got_km)
{
    CHECK(fabs(got_km - want_km) <= tolerance_km);
}

TEST(distance_km_on_the_sphere)
{
    const double quarter_km = M_PI / 2 * 6371.0088;
    check_distance(0, 0, distance_km(51.5, -1.2, 51.5, -1.2));
    check_distance(quarter_km, 1e-6, distance_km(0, 0, 90, 0));
    check_distance(quarter_km, 1e-6, distance_km(0, 0, 0, -90));
    check_distance(2 * quarter_km, 1e-6, distance_km(0, 0, 0, 180));
    check_distance(2 * quarter_km, 1e-6, distance_km(51, -1, -51, 179)); /* antipodes: no NAN */
    check_distance(quarter_km / 90, 1e-6, distance_km(51, 0, 52, 0));
    check_distance(2 * quarter_km / 180, 1e-6, distance_km(0, 179.5, 0, -179.5));
    check_distance(343.6, 1.0, distance_km(51.5074, -0.1278, 48.8566, 2.3522)); /* London, Paris */
    CHECK_DOUBLE(distance_km(51, -1, 54, -3), distance_km(54, -3, 51, -1));
    CHECK(isnan(distance_km(NAN, 0, 0, 0)));
}

TEST(filter_circle)
{
    const Station a = abingdon(), b = twice();
    Filter filter = {.has_circle = true, .lat_deg = 51.6716, .long_deg = -1.2822, .dist_km = 0};
    CHECK(filter_takes_station(&filter, &a));  /* its centre is in it */
    CHECK(!filter_takes_station(&filter, &b)); /* without coordinates: nowhere */
    filter.lat_deg = 51.5716;                  /* 11.1195 km south */
    filter.dist_km = 11.12;
    CHECK(filter_takes_station(&filter, &a));
    filter.dist_km = 11.119;
    CHECK(!filter_takes_station(&filter, &a));
    filter.dist_km = 50000;
    CHECK(!filter_takes_station(&filter, &b));
}
