#include "tests/process.h"

#include "base/clock.h"
#include "base/lock.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 60000, /* real time; only something broken needs it */
    OUTPUT_MAX_BYTES = 64 << 20,
    VARIABLES_MAX = 500,
};

struct Process {
    pid_t pid;
    int out_fd;
    pthread_t reader;
    bool reaped;
    int outcome; /* once reaped */
    Lock lock;   /* guards the next group */
    Cond changed;
    Buf output;
    bool output_ended;
    Buf line; /* the last one given; main thread */
};

/* ---- gathering ------------------------------------------------------------------------------- */

static void *gather(void *arg)
{
    Process *process = arg;
    char bytes[4096];
    ssize_t got;
    while ((got = read(process->out_fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        lock_take(&process->lock);
        if (got > 0)
            buf_put(&process->output, bytes, (size_t) got);
        cond_signal_all(&process->changed);
        lock_give(&process->lock);
    }
    lock_take(&process->lock);
    process->output_ended = true;
    cond_signal_all(&process->changed);
    lock_give(&process->lock);
    return NULL;
}

static bool find_line(Process *process, const char *part)
{
    Str rest = buf_view(&process->output), line;
    size_t ignored;
    lock_assert_held(&process->lock);
    while (str_cut(rest, '\n', &line, &rest)) {
        if (!str_find(line, str_of(part), &ignored))
            continue;
        buf_clear(&process->line); /* a copy: the output moves when it grows */
        buf_put_str(&process->line, line);
        return true;
    }
    return false;
}

bool process_has_line(Process *process, const char *part)
{
    lock_take(&process->lock);
    bool found = find_line(process, part);
    lock_give(&process->lock);
    return found;
}

static void give_up(Process *process, const char *part)
{
    printf("no line with \"%s\" in what process %d said:\n" STR_FMT "\n", part, (int) process->pid,
           STR_ARG(buf_view(&process->output)));
    fflush(stdout);
}

Str process_wait_line(Process *process, const char *part)
{
    int64_t deadline_ms = clock_elapsed_ms() + PATIENCE_MS;
    lock_take(&process->lock);
    bool found = find_line(process, part);
    while (!found && !process->output_ended &&
           cond_wait(&process->changed, &process->lock, deadline_ms))
        found = find_line(process, part);
    if (!found)
        give_up(process, part);
    lock_give(&process->lock);
    REQUIRE(found);
    return buf_view(&process->line);
}

/* ---- starting and ending --------------------------------------------------------------------- */

/* build/asan/tests/run has build/asan/freshet beside its folder. */
static void program_path(const char *name, char *path, size_t size)
{
    char self[400];
    if (strchr(name, '/') != NULL) {
        (void) snprintf(path, size, "%s", name);
        return;
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    REQUIRE(len > 0);
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    (void) snprintf(path, size, "%s/../%s", self, name);
}

/* Later ones win where a program reads the first it finds, so ours stand in front. */
static void join_environment(const char *const env[], const char *ret_env[static VARIABLES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; env != NULL && env[i] != NULL; i++)
        ret_env[count++] = env[i];
    for (size_t i = 0; environ[i] != NULL && count < VARIABLES_MAX - 1; i++)
        ret_env[count++] = environ[i];
    ret_env[count] = NULL;
}

/* Between fork and exec only what is safe in a child of many threads. */
static void become(const char *path, const char *const argv[], const char *const env[], int out_fd)
{
    sigset_t none;
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) signal(SIGPIPE, SIG_DFL);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing outlives the tests */
    (void) dup2(out_fd, STDOUT_FILENO);
    (void) dup2(out_fd, STDERR_FILENO);
    union {
        const char *const *borrowed;
        char *const *wanted;
    } args = {argv}, vars = {env};
    (void) execve(path, args.wanted, vars.wanted);
    _exit(127);
}

static int reap(Process *process, int options)
{
    int status;
    pid_t got = process->reaped ? process->pid : waitpid(process->pid, &status, options);
    if (got != process->pid)
        return -1;
    if (!process->reaped)
        process->outcome = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    process->reaped = true;
    return 0;
}

static void end(void *ctx)
{
    Process *process = ctx;
    if (!process->reaped)
        (void) kill(process->pid, SIGKILL);
    (void) reap(process, 0);
    (void) pthread_join(process->reader, NULL);
    (void) close(process->out_fd);
    buf_release(&process->output);
    buf_release(&process->line);
    cond_release(&process->changed);
    lock_release(&process->lock);
    free(process);
}

Process *process_start(const char *const argv[], const char *const env[])
{
    char path[512];
    const char *full_env[VARIABLES_MAX];
    int fds[2];
    program_path(argv[0], path, sizeof path);
    if (access(path, X_OK) != 0)
        printf("%s is not built\n", path);
    REQUIRE(access(path, X_OK) == 0);
    join_environment(env, full_env);
    Process *process = calloc(1, sizeof *process);
    REQUIRE(process != NULL && pipe2(fds, O_CLOEXEC) == 0);
    process->output = buf_init(OUTPUT_MAX_BYTES);
    process->line = buf_init(OUTPUT_MAX_BYTES);
    lock_init(&process->lock);
    cond_init(&process->changed);
    fflush(stdout);
    process->pid = fork();
    if (process->pid == 0)
        become(path, argv, full_env, fds[1]);
    (void) close(fds[1]);
    process->out_fd = fds[0];
    REQUIRE(process->pid > 0 && pthread_create(&process->reader, NULL, gather, process) == 0);
    test_defer(end, process);
    return process;
}

Str process_output(Process *process)
{
    lock_take(&process->lock);
    Str output = buf_view(&process->output);
    lock_give(&process->lock);
    return output;
}

void process_signal(Process *process, int signal_number)
{
    if (!process->reaped)
        (void) kill(process->pid, signal_number);
}

int process_wait(Process *process)
{
    int64_t deadline_ms = clock_elapsed_ms() + PATIENCE_MS;
    lock_take(&process->lock); /* its output ends when it does */
    while (!process->output_ended && cond_wait(&process->changed, &process->lock, deadline_ms))
        continue;
    bool ended = process->output_ended;
    lock_give(&process->lock);
    if (!ended)
        process_signal(process, SIGKILL);
    CHECK(ended);
    (void) reap(process, 0);
    return process->outcome;
}

pid_t process_pid(const Process *process)
{
    return process->pid;
}
