#include "tests/lake_kit.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 12, OUTPUT_MAX = 64 << 20 };

static void run_node(const char *script, const char *const args[], int out)
{
    char path[200];
    char *argv[ARGS_MAX + 3] = {(char *) (uintptr_t) "node", path};
    (void) snprintf(path, sizeof path, "tests/lake/%s", script);
    for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
        argv[i + 2] = (char *) (uintptr_t) args[i];
    (void) dup2(out, STDOUT_FILENO);
    (void) execvp("node", argv);
    _exit(127);
}

Buf lake_run(const char *script, const char *const args[])
{
    Buf out = buf_init(OUTPUT_MAX);
    int ends[2], status = -1;
    char piece[4096];
    if (access("tests/lake/node_modules/hyparquet/package.json", F_OK) != 0)
        test_skip("tests/lake/node_modules is not there: tools/npm.sh tests/lake");
    REQUIRE(pipe(ends) == 0);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        run_node(script, args, ends[1]);
    (void) close(ends[1]);
    for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;)
        buf_put(&out, piece, (size_t) got);
    (void) close(ends[0]);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_INT(0, status);
    if (status != 0 || out.error != OK) {
        buf_release(&out);
        test_abort();
    }
    return out;
}
