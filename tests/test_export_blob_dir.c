#include "export/blob.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void put(const BlobStore *blobs, const char *key, const char *bytes)
{
    Err err = {.code = OK};
    const BlobBody body = blob_memory(str_of(bytes));
    CHECK_OK(blobs->put(blobs->ctx, str_of(key), "text/plain", NULL, &body, &err));
}

static bool add_key(Str key, int64_t bytes, UnixSec modified, void *ctx)
{
    CHECK(modified > 1600000000);
    buf_printf(ctx, STR_FMT ":%lld ", STR_ARG(key), (long long) bytes);
    return true;
}

static void check_list(const BlobStore *blobs, const char *prefix, const char *want)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf got = buf_init(4096);
    CASE(prefix);
    CHECK_OK(blobs->list(blobs->ctx, str_of(prefix), add_key, &got, &err));
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
}

TEST(export_blob_dir_puts_gets_lists_removes)
{
    Err err = {.code = OK};
    BlobStore blobs;
    char path[300];
    (void) snprintf(path, sizeof path, "%s/not/yet/there/", test_dir());
    REQUIRE_OK(blob_dir_open(path, &blobs, &err));
    check_list(&blobs, "", "");
    CHECK_OK(blobs.remove(blobs.ctx, STR("a"), &err));
    REQUIRE(rmdir(path) == 0);
    CHECK_INT(ERR_STORAGE, blobs.remove(blobs.ctx, STR("a"), &err)); /* who knows? */
    put(&blobs, "history/dt=2026-01-20/b", "four");
    put(&blobs, "history/dt=2026-01-20/a b\xC3\xA4", "");
    put(&blobs, "history/dt=2026-01-21/c", "1");
    put(&blobs, "history/dt=2026-01-21/c", "two, whole");
    put(&blobs, "historyless", "x");
    check_list(&blobs, "history",
               "history/dt=2026-01-20/a b\xC3\xA4:0 history/dt=2026-01-20/b:4"
               " history/dt=2026-01-21/c:10 historyless:1 ");
    check_list(&blobs, "history/dt=2026-01-2",
               "history/dt=2026-01-20/a b\xC3\xA4:0"
               " history/dt=2026-01-20/b:4"
               " history/dt=2026-01-21/c:10 ");
    check_list(&blobs, "history/dt=2026-01-21/", "history/dt=2026-01-21/c:10 ");

    CLEANUP(buf_release) Buf got = buf_init(100);
    CHECK_OK(blobs.get(blobs.ctx, STR("history/dt=2026-01-21/c"), &got, &err));
    CHECK_TEXT("two, whole", buf_view(&got));
    CLEANUP(buf_release) Buf small = buf_init(4);
    CHECK_INT(ERR_TOO_LARGE, blobs.get(blobs.ctx, STR("history/dt=2026-01-21/c"), &small, &err));
    CHECK_INT(ERR_NOT_FOUND, blobs.get(blobs.ctx, STR("history/nothing"), &got, &err));

    CHECK_OK(blobs.remove(blobs.ctx, STR("history/dt=2026-01-21/c"), &err));
    CHECK_OK(blobs.remove(blobs.ctx, STR("history/dt=2026-01-21/c"), &err));
    (void) snprintf(path, sizeof path, "%s/not/yet/there/history/dt=2026-01-21", test_dir());
    CHECK(access(path, F_OK) != 0); /* an empty partition does not stay */
    CHECK_INT(ERR_NOT_FOUND, blobs.get(blobs.ctx, STR("history/dt=2026-01-21/c"), &got, &err));
    blob_store_close(&blobs);
}

TEST(export_blob_dir_moves_files_whole)
{
    enum { BYTES = 3000001 };
    Err err = {.code = OK};
    BlobStore blobs;
    char path[300];
    (void) snprintf(path, sizeof path, "%s/file", test_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    REQUIRE(ftruncate(fd, BYTES) == 0);
    REQUIRE(pwrite(fd, "end", 3, BYTES - 3) == 3);
    REQUIRE_OK(blob_dir_open(test_dir(), &blobs, &err));
    BlobBody body = {.fd = fd, .bytes = BYTES};
    CHECK_OK(blobs.put(blobs.ctx, STR("x/y"), "text/plain", NULL, &body, &err));

    CLEANUP(buf_release) Buf got = buf_init(BYTES + 200000);
    CHECK_OK(blobs.get(blobs.ctx, STR("x/y"), &got, &err));
    CHECK_INT(BYTES, got.len);
    CHECK(str_ends(buf_view(&got), STR("end")));
    CHECK_INT(0, ftruncate(fd, 0));
    CHECK_OK(blobs.get_file(blobs.ctx, STR("x/y"), fd, &err));
    CHECK_INT(BYTES, lseek(fd, 0, SEEK_END));

    body.bytes = BYTES + 1; /* the file has less than was promised: nothing is put */
    CHECK_INT(ERR_STORAGE, blobs.put(blobs.ctx, STR("x/z"), "text/plain", NULL, &body, &err));
    CHECK_INT(ERR_NOT_FOUND, blobs.get(blobs.ctx, STR("x/z"), &got, &err));
    check_list(&blobs, "x/", "x/y:3000001 ");
    (void) close(fd);
    blob_store_close(&blobs);
}

TEST(export_blob_dir_refuses_keys_that_lead_elsewhere)
{
    static const char *const keys[] = {"", "/etc/passwd", "a/../b", "a//b", "a/", "./a", ".."};
    Err err = {.code = OK};
    BlobStore blobs;
    REQUIRE_OK(blob_dir_open(test_dir(), &blobs, &err));
    for (size_t i = 0; i < countof(keys); i++) {
        CLEANUP(buf_release) Buf got = buf_init(100);
        const BlobBody body = blob_memory(STR("x"));
        CASE(keys[i]);
        CHECK_INT(ERR_INVALID,
                  blobs.put(blobs.ctx, str_of(keys[i]), "text/plain", NULL, &body, &err));
        CHECK_INT(ERR_INVALID, blobs.get(blobs.ctx, str_of(keys[i]), &got, &err));
    }
    blob_store_close(&blobs);
}
