/* The values there are, and of how much. */
#include "tests/site.h"

TEST(values_are_counted)
{
    static const BodyCase cases[] = {
        {"/v1/rivers.csv", "river,stations,measures\nRiver Ock,1,1\nRiver Thames,1,2\n"},
        {"/v1/catchments.csv", "catchment,stations,measures\n\"Thames, Upper\",1,2\n"},
        {"/v1/towns.csv", "town,stations,measures\nAbingdon,1,2\n"},
        {"/v1/parameters.csv",
         "parameter,stations,measures\nflow,1,1\nlevel,3,3\nrainfall,7,7\ntemperature,1,1\n"
         "wind,1,1\n"},
        {"/v1/parameters.csv?sort=-stations&limit=1&fields=parameter", "parameter\nrainfall\n"},
        {"/v1/parameters.csv?river=River+Thames",
         "parameter,stations,measures\nflow,1,1\nlevel,1,1\n"},
        {"/v1/rivers.csv?parameter=rainfall", "river,stations,measures\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_bodies(&inside, cases, countof(cases));
    inside_close(&inside);
}

/* A place with several names counts for each; several measures of one parameter are one station. */
TEST(several_values_of_one_station_each_count)
{
    Inside inside;
    inside_open(&inside, false);
    Batch batch = batch_init();
    Station station = a_station("S");
    station.river = STR("Ock");
    station.river_all = STR("Ock\nThames");
    const Measure level = a_measure("S-level", "S", "level", "Stage");
    const Measure other = a_measure("S-other", "S", "level", "Downstream Stage");
    REQUIRE(batch_add_station(&batch, &station) && batch_add_measure(&batch, &level) &&
            batch_add_measure(&batch, &other));
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    CLEANUP(asked_release) Asked rivers = ask(&inside, "/v1/rivers.csv");
    CLEANUP(asked_release) Asked parameters = ask(&inside, "/v1/parameters.csv");
    CHECK_TEXT("river,stations,measures\nOck,1,2\nThames,1,2\n", rivers.body);
    CHECK_TEXT("parameter,stations,measures\nlevel,1,2\n", parameters.body);
    inside_close(&inside);
}
