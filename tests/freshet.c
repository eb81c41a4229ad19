#include "tests/freshet.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 40 };

Freshet freshet_start(const char *data_dir, const char *upstream, const char *clock,
                      const char *const more[])
{
    const char *argv[ARGS_MAX] = {"freshet", "--listen",     "127.0.0.1:0", "--data-dir",
                                  data_dir,  "--upstream",   upstream,      "--threads",
                                  "2",       "--export-url", "off"};
    size_t count = 11;
    for (size_t i = 0; more != NULL && more[i] != NULL && count < ARGS_MAX - 1; i++)
        argv[count++] = more[i];
    char variable[128];
    const char *env[] = {clock != NULL ? variable : NULL, NULL};
    if (clock != NULL)
        (void) snprintf(variable, sizeof variable, "FRESHET_CLOCK=%s", clock);

    Freshet service = {.process = process_start(argv, env)};
    Str line = process_wait_line(service.process, "event=serving");
    Str rest = line, word, port = STR_NONE;
    while (str_cut(rest, ' ', &word, &rest))
        if (str_starts(word, STR("port=")))
            port = str_after_last(word, '=');
    (void) snprintf(service.url, sizeof service.url, "http://127.0.0.1:" STR_FMT, STR_ARG(port));
    return service;
}

int freshet_stop(Freshet *service)
{
    process_signal(service->process, SIGTERM);
    return process_wait(service->process);
}

Buf freshet_get(const Freshet *service, const char *target)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", service->url, target);
    return must_get(url);
}

int freshet_status(const Freshet *service, const char *target)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", service->url, target);
    CLEANUP(exchanged_release) Exchanged answer = exchange("GET", url, "", STR_NONE);
    return answer.status;
}

Str freshet_tell(const Freshet *service, const char *path)
{
    static char text[512];
    CLEANUP(buf_release) Buf status = freshet_get(service, "/v1/status");
    Str value = buf_view(&status), key, rest = str_of(path);
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &key, &rest);
        REQUIRE(json_member(value, more ? key : rest, &value));
    }
    if (value.len >= 2 && value.ptr[0] == '"')
        value = (Str){value.ptr + 1, value.len - 2};
    (void) snprintf(text, sizeof text, STR_FMT, STR_ARG(value));
    return str_of(text);
}

void freshet_wait(const Freshet *service, const char *path, const char *want)
{
    for (int i = 0; i < 600; i++) {
        if (str_eq(freshet_tell(service, path), str_of(want)))
            return;
        (void) usleep(100000);
    }
    CHECK_TEXT(want, freshet_tell(service, path));
    test_abort();
}

Str csv_cell(Str line, size_t at)
{
    Str head = line, tail = line;
    for (size_t i = 0; i <= at; i++)
        if (!str_cut(tail, ',', &head, &tail))
            return tail;
    return head;
}
