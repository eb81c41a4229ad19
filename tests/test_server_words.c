/* Words that were heard before lead straight to their question, and to no other. */
#include "server/words.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

TEST(words_are_learnt_and_forgotten)
{
    enum { MANY = 40000 };
    char room[WORDS_MAX_BYTES], said[32], key[32];
    Words *words = words_open();
    REQUIRE(words != NULL);
    CHECK(str_is_none(words_find(words, STR("a"), room)));
    words_learn(words, STR("a"), STR("A"));
    words_learn(words, STR("a"), STR("B")); /* the first stays: they mean the same */
    CHECK_TEXT("A", words_find(words, STR("a"), room));
    CHECK(str_is_none(words_find(words, STR("aA"), room)));
    CASE("more than there is room for");
    int known = 0;
    for (int i = 0; i < MANY; i++) {
        (void) snprintf(said, sizeof said, "said %d", i);
        (void) snprintf(key, sizeof key, "key %d", i);
        words_learn(words, str_of(said), str_of(key));
        CHECK_TEXT(key, words_find(words, str_of(said), room));
    }
    for (int i = 0; i < MANY; i++) {
        (void) snprintf(said, sizeof said, "said %d", i);
        (void) snprintf(key, sizeof key, "key %d", i);
        Str found = words_find(words, str_of(said), room);
        known += !str_is_none(found);
        CHECK(str_is_none(found) || str_eq(found, str_of(key)));
    }
    CHECK(known > MANY / 8 && known < MANY);
    CASE("too long to be worth it");
    static char longest[WORDS_MAX_BYTES];
    memset(longest, 'x', sizeof longest);
    words_learn(words, (Str){longest, sizeof longest}, STR("k"));
    CHECK(str_is_none(words_find(words, (Str){longest, sizeof longest}, room)));
    words_close(words);
}

/* All that may differ between requests for one target. */
TEST(the_same_target_in_other_words_is_another_question)
{
    static const Head HEAD = {
        .method = STR("GET"), .target = STR("/v1/latest"), .is_http_1_1 = true, .host_count = 1};
    struct {
        const char *name;
        Head head;
        unsigned status;
        const char *type, *coding;
    } cases[] = {
        {"plain", HEAD, 200, "application/json", NULL},
        {"csv", HEAD, 200, "text/csv", NULL},
        {"gzip", HEAD, 200, "application/json", "gzip"},
        {"none of ours", HEAD, 406, "application/problem+json", NULL},
        {"HEAD", HEAD, 200, "application/json", NULL},
        {"POST", HEAD, 405, "application/problem+json", NULL},
        {"two hosts", HEAD, 400, "application/problem+json", NULL},
        {"another tag", HEAD, 200, "application/json", NULL},
        {"since", HEAD, 304, NULL, NULL},
        {"a part", HEAD, 206, "application/json", NULL},
        {"the same tag", HEAD, 304, NULL, NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    Asked first = ask_head(&inside, &HEAD);
    Str etag = asked_header(&first, "ETag"), modified = asked_header(&first, "Last-Modified");
    cases[1].head.accept = STR("text/csv");
    cases[2].head.accept_encoding = STR("gzip");
    cases[3].head.accept = STR("image/png");
    cases[4].head.method = STR("HEAD");
    cases[5].head.method = STR("POST");
    cases[6].head.host_count = 2;
    cases[7].head.if_none_match = STR("\"other\"");
    cases[8].head.if_modified_since = modified;
    cases[9].head.range = STR("bytes=0-9");
    cases[10].head.if_none_match = etag;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < countof(cases); i++) {
            CASE(cases[i].name);
            CLEANUP(asked_release) Asked asked = ask_head(&inside, &cases[i].head);
            CHECK_INT(cases[i].status, asked.status);
            if (cases[i].type != NULL)
                CHECK_HAS(cases[i].type, asked_header(&asked, "Content-Type"));
            CHECK_STR(str_of(cases[i].coding), asked_header(&asked, "Content-Encoding"));
        }
    CASE("a new generation is another answer to the same words");
    Batch batch = batch_init();
    add_reading(&batch, "OCK1-level", FIXTURE_NOW - 900, 77);
    CHECK(fixture_apply(&inside.fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
    for (int round = 0; round < 2; round++) {
        CLEANUP(asked_release) Asked asked = ask_head(&inside, &HEAD);
        CHECK_HAS("77.0", asked.body);
        CLEANUP(asked_release) Asked conditional = ask_head(&inside, &cases[10].head);
        CHECK_INT(200, conditional.status);
    }
    asked_release(&first);
    inside_close(&inside);
}
