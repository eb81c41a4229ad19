#include "base/text_file.h"
#include "tests/test.h"

#include <sys/mman.h>

static bool is_in_memory(const char *at)
{
    unsigned char page = 0;
    REQUIRE(mincore((void *) ((uintptr_t) at & ~(uintptr_t) 4095), 1, &page) == 0);
    return (page & 1) != 0;
}

TEST(text_file_begins_with_what_was_held_and_reads_as_one_piece)
{
    TextFile file = {.is_open = false};
    CLEANUP(buf_release) Buf held = buf_init(10);
    Err err = {.code = OK};
    BUF_LITERAL(&held, "abc");
    REQUIRE_OK(text_file_go_on(&file, test_dir(), &held, STR("defg"), &err));
    CHECK_INT(0, held.len);
    REQUIRE_OK(text_file_go_on(&file, test_dir(), &held, STR("hij"), &err));
    CHECK_INT(ERR_TOO_LARGE, text_file_go_on(&file, test_dir(), &held, STR("k"), &err));
    REQUIRE_OK(text_file_map(&file, &err));
    CHECK_TEXT("abcdefghij", text_file_view(&file));
    text_file_release(&file);
    text_file_release(&file); /* none is fine */
}

TEST(text_file_needs_a_directory)
{
    TextFile file = {.is_open = false};
    Buf held = buf_init(10);
    Err err = {.code = OK};
    CHECK_INT(ERR_STORAGE, text_file_go_on(&file, "/nowhere", &held, STR("a"), &err));
    CHECK_HAS("/nowhere", str_of(err.text));
    text_file_release(&file);
}

TEST(text_file_can_be_read_again_behind_what_was_passed)
{
    enum { BYTES = 20 << 20 };
    TextFile file = {.is_open = false};
    CLEANUP(buf_release) Buf held = buf_init(BYTES);
    CLEANUP(buf_release) Buf same = buf_init(BYTES);
    Err err = {.code = OK};
    for (int64_t i = 0; same.len < BYTES - 100; i++)
        buf_printf(&same, "%lld ", (long long) i);
    buf_put_str(&held, buf_view(&same));
    REQUIRE_OK(text_file_go_on(&file, test_dir(), &held, STR(""), &err));
    REQUIRE_OK(text_file_map(&file, &err));
    Str text = text_file_view(&file);
    for (int pass = 0; pass < 2; pass++) {
        CHECK(str_eq(text, buf_view(&same)));
        CHECK(
            is_in_memory(text.ptr + text.len / 2)); /* of the file's pages: not given back to it */
        for (size_t at = 0; at < text.len; at += 1000)
            text_file_pass(&file, text.ptr + at);
        CHECK(file.behind > text.ptr + 15 * (1 << 20) && file.behind <= text.ptr + text.len);
    }
    text_file_release(&file);
}
