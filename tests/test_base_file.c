/* Files at once. */
#include "base/file.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

TEST(file_write_puts_all_of_several_pieces)
{
    char path[400];
    CLEANUP(buf_release) Buf want = buf_init(1 << 20);
    CLEANUP(buf_release) Buf got = buf_init(1 << 20);
    for (int i = 0; i < 40000; i++)
        buf_printf(&want, "%d ", i);
    REQUIRE(want.len > 3 * FILE_PIECE_BYTES && want.len % FILE_PIECE_BYTES != 0);
    (void) snprintf(path, sizeof path, "%s/file", test_dir());
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    CHECK(file_write(fd, buf_view(&want)));
    CHECK(file_write(fd, STR("")));
    CHECK_INT(0, close(fd));
    CHECK(file_read(path, &got));
    CHECK_STR(buf_view(&want), buf_view(&got));
}

TEST(file_write_says_that_there_is_no_room)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    errno = 0;
    CHECK(!file_write(fd, STR("x")));
    CHECK_INT(ENOSPC, errno);
    CHECK_INT(0, close(fd));
}
