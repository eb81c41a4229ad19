/* Records in a file without a name come back as they were put. */
#include "base/record_file.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

TEST(record_file_gives_back_what_was_put)
{
    CLEANUP(record_file_closep) RecordFile *file = NULL;
    Err err = {.code = OK};
    static char large[300000];
    memset(large, 'x', sizeof large);
    const Record records[] = {
        {1, STR("key"), STR("value")},
        {2, STR(""), STR("no key")},
        {3, STR("no value"), STR("")},
        {-4, STR("large"), {large, sizeof large}},
    };
    REQUIRE_OK(record_file_open(test_dir(), &file, &err));
    for (size_t i = 0; i < countof(records); i++)
        REQUIRE_OK(record_file_add(file, &records[i], &err));
    for (int round = 0; round < 2; round++) {
        Record got;
        bool more = false;
        REQUIRE_OK(record_file_rewind(file, &err));
        for (size_t i = 0; i < countof(records); i++) {
            REQUIRE_OK(record_file_next(file, &got, &more, &err));
            REQUIRE(more);
            CHECK_INT(records[i].kind, got.kind);
            CHECK_STR(records[i].key, got.key);
            CHECK_STR(records[i].value, got.value);
        }
        REQUIRE_OK(record_file_next(file, &got, &more, &err));
        CHECK(!more);
    }
}

TEST(record_file_says_which_directory_it_cannot_use)
{
    RecordFile *file = NULL;
    Err err = {.code = OK};
    CHECK(record_file_open("/no/such/place", &file, &err) == ERR_STORAGE);
    CHECK(strstr(err.text, "/no/such/place") != NULL);
}
