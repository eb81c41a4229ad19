/* tests/test.c - the runner: finds the registered tests, runs what its arguments name, counts.
 *
 *     run [-v] [part...] [-part...]
 *
 * A test's full name is <file>.<test>, the file without "test_" and ".c":
 * base_str.cuts_at_the_first. It runs when its full name contains one of the parts, or there are
 * none, and no -part. The last line is the count; the exit status is 0 when something ran and
 * nothing failed. */
#include "tests/test.h"

#include "base/log.h"

#include <ftw.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    NAME_SIZE = 200,
    DEFERRED_MAX = 32,          /* of one test */
    DIRS_MAX = 16,              /* of one test */
    HANG_S = 600,               /* no test takes so long, whatever the sanitizer: it hangs */
    FILE_MAX_BYTES = 256 << 20, /* of a recording, un-gzipped */
};

typedef struct Test {
    char full_name[NAME_SIZE];
    size_t file_len; /* of full_name: the part before the point */
    TestFn *fn;
} Test;

typedef enum Outcome { PASSED, FAILED, SKIPPED } Outcome;

static Test *tests;
static size_t test_count, test_cap;

/* The test under way. CHECK may come from any thread: the lock guards the first group. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char case_name[NAME_SIZE];
static int failure_count;

static const Test *current; /* main thread, and the handler of a signal */
static jmp_buf leave;
static Outcome outcome;
static const char *skip_reason;
static char dirs[DIRS_MAX][128];
static size_t dir_count;
static struct {
    void (*fn)(void *ctx);
    void *ctx;
} deferred[DEFERRED_MAX];
static size_t deferred_count;

/* ---- registering ----------------------------------------------------------------------------- */

void test_register(const char *name, const char *file, TestFn *fn)
{
    if (test_count == test_cap) {
        test_cap = test_cap == 0 ? 256 : test_cap * 2;
        tests = realloc(tests, test_cap * sizeof *tests);
        if (tests == NULL)
            abort();
    }
    Str stem = str_after_last(str_of(file), '/');
    if (str_starts(stem, STR("test_")))
        stem = (Str){stem.ptr + 5, stem.len - 5};
    if (str_ends(stem, STR(".c")))
        stem.len -= 2;
    Test *test = &tests[test_count++];
    *test = (Test){.file_len = stem.len, .fn = fn};
    (void) snprintf(test->full_name, sizeof test->full_name, STR_FMT ".%s", STR_ARG(stem), name);
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* Long texts are cut: the place where they differ is told beside them. */
#define SHOWN_FMT "\"%.*s\"%s"
#define SHOWN_ARG(s)                                                                               \
    (int) ((s).len > 400 ? 400 : (s).len), ((s).ptr != NULL ? (s).ptr : ""),                       \
        ((s).ptr == NULL ? " (none)"                                                               \
         : (s).len > 400 ? "..."                                                                   \
                         : "")

static bool fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pthread_mutex_lock(&mutex);
    failure_count++;
    printf("%s:%d: %s", file, line, current != NULL ? current->full_name : "?");
    if (case_name[0] != '\0')
        printf(" [%s]", case_name);
    printf(": ");
    vprintf(fmt, args);
    printf("\n");
    fflush(stdout);
    pthread_mutex_unlock(&mutex);
    va_end(args);
    return false;
}

void test_case(const char *name)
{
    pthread_mutex_lock(&mutex);
    (void) snprintf(case_name, sizeof case_name, "%s", name);
    pthread_mutex_unlock(&mutex);
}

bool check_true(bool ok, const char *what, const char *file, int line)
{
    return ok || fail(file, line, "not so: %s", what);
}

bool check_int(int64_t want, int64_t got, const char *what, const char *file, int line)
{
    return want == got ||
           fail(file, line, "%s is %lld, not %lld", what, (long long) got, (long long) want);
}

bool check_double(double want, double got, const char *what, const char *file, int line)
{
    bool same = isnan(want) ? isnan(got) != 0 : want == got;
    return same || fail(file, line, "%s is %.17g, not %.17g", what, got, want);
}

static size_t common_prefix(Str a, Str b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

bool check_str(Str want, Str got, const char *what, const char *file, int line)
{
    return str_eq(want, got) ||
           fail(file, line, "%s differs at byte %zu\n    is  " SHOWN_FMT "\n    not " SHOWN_FMT,
                what, common_prefix(want, got), SHOWN_ARG(got), SHOWN_ARG(want));
}

bool check_has(Str part, Str text, const char *what, const char *file, int line)
{
    size_t at;
    return part.len == 0 || str_find(text, part, &at) ||
           fail(file, line, "%s has no " SHOWN_FMT "\n    is  " SHOWN_FMT, what, SHOWN_ARG(part),
                SHOWN_ARG(text));
}

bool check_ok(ErrCode got, const Err *err, const char *what, const char *file, int line)
{
    return got == OK || fail(file, line, "%s: %s: %s", what, err_name(got),
                             err->code == got ? err->text : "(without a sentence)");
}

void test_abort(void)
{
    outcome = FAILED;
    longjmp(leave, 1);
}

void test_skip(const char *why)
{
    skip_reason = why;
    outcome = SKIPPED;
    longjmp(leave, 1);
}

void test_defer(void (*fn)(void *ctx), void *ctx)
{
    assert(deferred_count < DEFERRED_MAX);
    deferred[deferred_count].fn = fn;
    deferred[deferred_count++].ctx = ctx;
}

static void run_deferred(void)
{
    while (deferred_count > 0) {
        deferred_count--;
        deferred[deferred_count].fn(deferred[deferred_count].ctx);
    }
}

/* ---- directories and files ------------------------------------------------------------------- */

static const char *make_dir(const char *parent)
{
    assert(dir_count < DIRS_MAX);
    char *dir = dirs[dir_count];
    (void) snprintf(dir, sizeof dirs[0], "%s/freshet-test-XXXXXX", parent);
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        abort();
    }
    dir_count++;
    return dir;
}

const char *test_dir(void)
{
    const char *parent = getenv("TMPDIR");
    return make_dir(parent != NULL ? parent : "/tmp");
}

const char *test_dir_in_memory(void)
{
    static const char MEMORY[] = "/dev/shm";
    return access(MEMORY, W_OK) == 0 ? make_dir(MEMORY) : test_dir();
}

static int remove_entry(const char *path, const struct stat *stat UNUSED, int type UNUSED,
                        struct FTW *ftw UNUSED)
{
    return remove(path);
}

static void remove_dirs(void)
{
    while (dir_count > 0)
        (void) nftw(dirs[--dir_count], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Plain or gzipped: zlib tells them apart by their first bytes. */
static bool read_file(const char *path, Buf *ret)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return false;
    Buf buf = buf_init(FILE_MAX_BYTES);
    int got;
    do {
        enum { CHUNK = 256 * 1024 };
        char *to = buf_reserve(&buf, CHUNK);
        got = to != NULL ? gzread(file, to, CHUNK) : -1;
        if (got > 0)
            buf_grew(&buf, (size_t) got);
    } while (got > 0);
    bool ok = gzclose(file) == Z_OK && got == 0;
    if (ok)
        *ret = buf;
    else
        buf_release(&buf);
    return ok;
}

static Buf must_read_file(const char *path)
{
    Buf buf = buf_init(0);
    if (!read_file(path, &buf)) {
        fail(__FILE__, __LINE__, "cannot read %s", path);
        test_abort();
    }
    return buf;
}

bool test_recording(const char *name, Buf *ret)
{
    const char *dir = getenv("FRESHET_RECORDINGS");
    if (dir == NULL)
        dir = "../shared/upstream";
    if (access(dir, R_OK) != 0)
        return false;
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", dir, name);
    *ret = must_read_file(path);
    return true;
}

Buf test_fixture(const char *name)
{
    char path[512];
    (void) snprintf(path, sizeof path, "tests/fixtures/%s", name);
    return must_read_file(path);
}

/* ---- running --------------------------------------------------------------------------------- */

static bool is_wanted(const Test *test, int argc, char **argv)
{
    bool any_part = false, named = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            continue;
        if (argv[i][0] == '-') {
            if (strstr(test->full_name, argv[i] + 1) != NULL)
                return false;
            continue;
        }
        any_part = true;
        named = named || strstr(test->full_name, argv[i]) != NULL;
    }
    return named || !any_part;
}

/* An assert or a sanitizer says what broke; this says in which test. */
static void tell_test(int signal_number)
{
    static const char HUNG[] = "hangs: ", DIED[] = "dies: ";
    const char *how = signal_number == SIGALRM ? HUNG : DIED;
    ssize_t ignored UNUSED = write(STDERR_FILENO, how, strlen(how));
    if (current != NULL)
        ignored = write(STDERR_FILENO, current->full_name, strlen(current->full_name));
    ignored = write(STDERR_FILENO, "\n", 1);
    if (signal_number == SIGALRM)
        _exit(1);
}

static Outcome run_test(const Test *test, bool verbose)
{
    if (verbose)
        printf("%s\n", test->full_name);
    fflush(stdout);
    log_configure(verbose ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
    current = test;
    case_name[0] = '\0';
    failure_count = 0;
    alarm(HANG_S);
    outcome = PASSED;
    if (setjmp(leave) == 0)
        test->fn();
    run_deferred();
    alarm(0);
    remove_dirs();

    pthread_mutex_lock(&mutex);
    if (failure_count > 0)
        outcome = FAILED;
    pthread_mutex_unlock(&mutex);
    if (outcome == SKIPPED)
        printf("skipped: %s: %s\n", test->full_name, skip_reason);
    current = NULL;
    return outcome;
}

static bool same_file(const Test *a, const Test *b)
{
    return a->file_len == b->file_len && memcmp(a->full_name, b->full_name, a->file_len) == 0;
}

static void print_count(const int count[static 3])
{
    printf("%d passed, %d failed", count[PASSED], count[FAILED]);
    if (count[SKIPPED] > 0)
        printf(", %d skipped", count[SKIPPED]);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool verbose = false;
    for (int i = 1; i < argc; i++)
        verbose = verbose || strcmp(argv[i], "-v") == 0;
    signal(SIGPIPE, SIG_IGN); /* as main.c has it: a peer that went away is an error, not an end */
    signal(SIGABRT, tell_test);
    signal(SIGALRM, tell_test);

    int total[3] = {0};
    for (size_t i = 0; i < test_count;) { /* one file after the other: so the linker lays them */
        const Test *file = &tests[i];
        int count[3] = {0};
        for (; i < test_count && same_file(file, &tests[i]); i++)
            if (is_wanted(&tests[i], argc, argv))
                count[run_test(&tests[i], verbose)]++;
        for (int k = 0; k < 3; k++)
            total[k] += count[k];
        if (count[PASSED] + count[FAILED] + count[SKIPPED] > 0) {
            printf("%-28.*s ", (int) file->file_len, file->full_name);
            print_count(count);
        }
    }
    free(tests);
    print_count(total);
    return total[FAILED] == 0 && total[PASSED] > 0 ? 0 : 1;
}
