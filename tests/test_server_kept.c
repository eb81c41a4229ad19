/* What is kept of lists and downloads, and what leaves. */
#include "server/kept.h"
#include "tests/client.h"

#include <stdio.h>

/* One row, and so much beside it that some 9,000 fill the memory there is for them. */
static Paged *a_list(Spools *spools, const SnapshotInfo *info)
{
    char head[1500];
    Err err = {.code = OK};
    for (size_t i = 0; i < sizeof head; i++)
        head[i] = (char) ('a' + i % 26);
    Paged *paged = paged_begin(spools, 1, 0);
    REQUIRE(paged != NULL);
    REQUIRE_OK(paged_append(paged, STR("row\n"), &err));
    REQUIRE_OK(paged_end(
        paged, &(PagedInfo){.info = info, .head = {head, sizeof head}, .row_count = 1}, &err));
    CHECK_INT(0, paged_disk_bytes(paged));
    return paged;
}

static Str key_of(int number, char room[static 20])
{
    return (Str){room, (size_t) snprintf(room, 20, "list %d", number)};
}

static bool has(Kept *kept, uint64_t generation, int number)
{
    char room[20];
    Paged *found = kept_find_paged(kept, generation, key_of(number, room));
    paged_drop(found);
    return found != NULL;
}

TEST(lists_in_memory_leave_by_their_last_use)
{
    enum { LISTS = 20000, OFTEN = 1000 };
    Fixture fixture = fixture_open();
    fixture_fill(&fixture);
    Spools *spools = spools_open(test_dir(), 1 << 20);
    Kept *kept = kept_open(fixture.store, 1 << 20);
    REQUIRE(spools != NULL && kept != NULL);
    const SnapshotInfo info = {.generation = store_generation(fixture.store)};
    for (int i = 0; i < LISTS; i++) {
        char room[20];
        Paged *paged = a_list(spools, &info);
        kept_put_paged(kept, key_of(i, room), paged);
        paged_drop(paged);
        if (i % OFTEN == 0)
            CHECK(has(kept, info.generation, 0));
    }
    CHECK(has(kept, info.generation, 0));
    CHECK(!has(kept, info.generation, 1));
    CHECK(!has(kept, info.generation, LISTS / 2));
    for (int i = LISTS - 5000; i < LISTS; i++)
        CHECK(has(kept, info.generation, i));
    CASE("each of its generation and its question alone");
    CHECK(!has(kept, info.generation + 1, 0));
    CHECK(!has(kept, info.generation, LISTS));
    kept_close(kept);
    spools_close(spools);
    fixture_close(&fixture);
}
