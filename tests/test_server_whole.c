/* An answer is whole or refused: nothing is cut, whatever room there is for it. */
#include "base/sha256.h"
#include "server/kept.h"
#include "tests/site.h"

#include <stdio.h>

enum { ROOM_FROM = 700, ROOM_STEP = 100 }; /* a problem document has room */

/* Nothing of an answer before is found again. */
static void forget(Inside *inside)
{
    kept_close(inside->site.kept);
    cache_close(inside->cache);
    inside->cache = cache_open(inside->options.cache_bytes);
    inside->site.kept = kept_open(inside->fixture.store, inside->options.spool_bytes / 2);
    REQUIRE(inside->cache != NULL && inside->site.kept != NULL);
}

static Asked ask_with_room(Inside *inside, const char *target, size_t bytes)
{
    forget(inside);
    inside->options.max_response_bytes = bytes;
    return ask(inside, target);
}

/* One that is spooled says its digest. */
static void check_body(Str want, const Asked *asked)
{
    char base64[SHA256_BASE64_SIZE];
    CHECK_INT(want.len, finished_body_bytes(asked->answer.finished));
    if (!finished_is_spooled(asked->answer.finished)) {
        CHECK_STR(want, asked->body);
        return;
    }
    Sha256 *sha = sha256_new();
    REQUIRE(sha != NULL);
    sha256_add(sha, want);
    sha256_base64(sha, base64);
    sha256_free(sha);
    CHECK_HAS(base64, asked_header(asked, "Repr-Digest"));
}

/* True: it was refused. */
static bool check_whole(Inside *inside, const char *target, Str want, size_t room)
{
    CLEANUP(asked_release) Asked asked = ask_with_room(inside, target, room);
    if (asked.status == 413) {
        CHECK_TEXT("too-large", problem_type(asked.body));
        CHECK_HAS("would be more than ", asked.body);
        return true;
    }
    CHECK_INT(200, asked.status);
    check_body(want, &asked);
    return false;
}

TEST(an_answer_is_whole_or_refused_whatever_room_there_is)
{
    static const struct {
        const char *target;
        bool is_refused; /* where there is not enough room: it cannot be spooled */
    } cases[] = {
        {"/flood-monitoring/id/stations", false},
        {"/flood-monitoring/id/stations.csv", false},
        {"/flood-monitoring/id/measures", false},
        {"/flood-monitoring/data/readings?latest", false},
        {"/flood-monitoring/data/readings?_sorted", false},
        {"/flood-monitoring/data/readings?today", false},
        {"/v1/stations", true},
        {"/v1/latest", true},
        {"/v1/latest.csv", false},
        {"/v1/latest.csv?sort=-value", true},
        {"/v1/measures.ndjson", false},
        {"/v1/stations.geojson", true},
        {"/v1/stations/1491TH/readings", true},
        {"/v1/stations/1491TH/readings.csv", true},
        {"/v1/gaps", true},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        int refused = 0;
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask_with_room(&inside, cases[i].target, 1 << 20);
        CHECK_INT(200, asked.status);
        const Str want = asked.body;
        REQUIRE(want.len > 0);
        for (size_t room = ROOM_FROM; room < want.len + 2 * (size_t) ROOM_STEP; room += ROOM_STEP)
            refused += check_whole(&inside, cases[i].target, want, room);
        if (cases[i].is_refused)
            CHECK(refused > 0);
        else
            CHECK(refused <
                  (int) (want.len / ROOM_STEP)); /* what is spooled needs no room for all of it */
    }
    inside_close(&inside);
}
