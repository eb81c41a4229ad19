/* Bodies lie in a buffer, or in a file in memory: nobody who reads them sees which. */
#include "server/bytes.h"
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

TEST(large_bodies_lie_in_a_file)
{
    static const struct {
        const char *name;
        size_t len;
        bool is_file;
    } cases[] = {{"none", 0, false},
                 {"small", 1000, false},
                 {"just below", 64 * 1024 - 1, false},
                 {"large", 64 * 1024, true},
                 {"not of whole pages", 1000001, true}};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        size_t len = cases[i].len;
        CLEANUP(buf_release) Buf body = buf_init(1 << 20);
        for (size_t at = 0; at < len; at++)
            buf_put_char(&body, (char) ('a' + at % 26));
        Bytes *bytes = bytes_take(&body);
        REQUIRE(bytes != NULL);
        CHECK(body.ptr == NULL);
        CHECK_INT(len, bytes->len);
        CHECK_INT(cases[i].is_file, bytes_is_file(bytes));
        for (size_t at = 0; at < len; at += 1 + len / 100)
            CHECK_INT('a' + (int) (at % 26), bytes->ptr[at]);
        if (cases[i].is_file) {
            char byte = '\0';
            int fd = bytes_dup(bytes);
            bytes_drop(bytes); /* who sends it still has it */
            CHECK_INT(1, pread(fd, &byte, 1, (off_t) len - 1));
            CHECK_INT('a' + (int) ((len - 1) % 26), byte);
            (void) close(fd);
        } else {
            bytes_drop(bytes);
        }
    }
}
