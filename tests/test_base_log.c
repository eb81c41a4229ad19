#include "base/log.h"

#include "base/clock.h"
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Takes stderr while a test logs. */
typedef struct Capture {
    int stderr_fd, file_fd;
    char text[20000];
} Capture;

static void capture_begin(Capture *capture)
{
    capture->file_fd = memfd_create("log", MFD_CLOEXEC);
    capture->stderr_fd = dup(STDERR_FILENO);
    REQUIRE(capture->file_fd >= 0 && capture->stderr_fd >= 0);
    REQUIRE(dup2(capture->file_fd, STDERR_FILENO) >= 0);
}

static Str capture_end(Capture *capture)
{
    (void) dup2(capture->stderr_fd, STDERR_FILENO);
    ssize_t len = pread(capture->file_fd, capture->text, sizeof capture->text, 0);
    (void) close(capture->stderr_fd);
    (void) close(capture->file_fd);
    REQUIRE(len >= 0);
    return (Str){capture->text, (size_t) len};
}

/* `got` is the line `want`, with the present time behind what `want` has in front of "TIME". */
static void check_line(const char *want, Str got)
{
    static const char MARK[] = "TIME";
    Str expected = str_of(want);
    size_t at = 0;
    UnixSec time = 0;
    REQUIRE(str_find(expected, str_of(MARK), &at));
    Str tail = {want + at + strlen(MARK), expected.len - at - strlen(MARK)};
    if (!CHECK(got.len >= at + CLOCK_TEXT_SIZE - 1))
        return;
    CHECK_STR(((Str){want, at}), ((Str){got.ptr, at}));
    CHECK(clock_parse((Str){got.ptr + at, CLOCK_TEXT_SIZE - 1}, &time));
    CHECK(time <= clock_now() && time > clock_now() - 60);
    at += CLOCK_TEXT_SIZE - 1;
    CHECK_STR(tail, ((Str){got.ptr + at, got.len - at}));
}

TEST(log_writes_logfmt)
{
    Capture capture;
    capture_begin(&capture);
    log_configure(LOG_DEBUG, LOG_LOGFMT);
    log_info("ingest applied generation=%d changed=%d took_ms=%d", 12, 0, 187);
    check_line(
        "level=info time=TIME component=ingest event=applied generation=12 changed=0 took_ms=187\n",
        capture_end(&capture));
}

TEST(log_writes_json)
{
    Capture capture;
    capture_begin(&capture);
    log_configure(LOG_DEBUG, LOG_JSON);
    log_warn("poll failed fault=%s again_in_s=%d rate=%.2f detail=" LOG_TEXT, "network", -30, 0.5,
             "no route");
    check_line("{\"level\":\"warn\",\"time\":\"TIME\",\"component\":\"poll\",\"event\":\"failed\","
               "\"fault\":\"network\",\"again_in_s\":-30,\"rate\":0.5,\"detail\":\"no route\"}\n",
               capture_end(&capture));
}

TEST(log_makes_quoted_texts_harmless)
{
    static const struct {
        const char *text, *logfmt, *json;
    } cases[] = {
        {"", "\"\"", "\"\""},
        {"plain", "\"plain\"", "\"plain\""},
        {"123", "\"123\"", "\"123\""}, /* quoted: a text, whatever it looks like */
        {"two words", "\"two words\"", "\"two words\""},
        {"it says \"no\" twice", "\"it says \\\"no\\\" twice\"", "\"it says \\\"no\\\" twice\""},
        {"\"", "\"\\\"\"", "\"\\\"\""},
        {"ends with \"", "\"ends with \\\"\"", "\"ends with \\\"\""},
        {"back\\slash\\", "\"back\\\\slash\\\\\"", "\"back\\\\slash\\\\\""},
        {"a\nlevel=error b", "\"a\\nlevel=error b\"", "\"a\\nlevel=error b\""},
        {"\x1b[31m\r\t", "\"\\u001b[31m\\r\\t\"", "\"\\u001b[31m\\r\\t\""},
        {"\xff\xc3\xa9", "\"\xef\xbf\xbd\xc3\xa9\"", "\"\xef\xbf\xbd\xc3\xa9\""},
        {"x\" =y\" z", "\"x\\\" =y\\\" z\"", "\"x\\\" =y\\\" z\""}, /* no key: no pair */
        {"k=v, {\"a\": 1}", "\"k=v, {\\\"a\\\": 1}\"", "\"k=v, {\\\"a\\\": 1}\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        static const LogForm forms[] = {LOG_LOGFMT, LOG_JSON};
        for (size_t k = 0; k < countof(forms); k++) {
            Capture capture;
            char want[500];
            CASE(cases[i].text);
            capture_begin(&capture);
            log_configure(LOG_DEBUG, forms[k]);
            log_error("main note text=" LOG_TEXT " n=%d", cases[i].text, 1);
            (void) snprintf(want, sizeof want,
                            forms[k] == LOG_JSON
                                ? "{\"level\":\"error\",\"time\":\"TIME\",\"component\":\"main\","
                                  "\"event\":\"note\",\"text\":%s,\"n\":1}\n"
                                : "level=error time=TIME component=main event=note text=%s n=1\n",
                            forms[k] == LOG_JSON ? cases[i].json : cases[i].logfmt);
            check_line(want, capture_end(&capture));
        }
    }
}

TEST(log_quotes_what_came_unquoted_and_would_mislead)
{
    Capture capture;
    capture_begin(&capture);
    log_configure(LOG_DEBUG, LOG_LOGFMT);
    log_info("main note path=%s odd=%s empty=%s alone", "a\nb", "x\"y", "");
    check_line("level=info time=TIME component=main event=note path=\"a\\nb\" odd=\"x\\\"y\" "
               "empty= alone\n",
               capture_end(&capture));
    capture_begin(&capture);
    log_configure(LOG_DEBUG, LOG_JSON);
    log_info("main note  empty=%s alone id=%s", "", "7f3a-12");
    check_line("{\"level\":\"info\",\"time\":\"TIME\",\"component\":\"main\",\"event\":\"note\","
               "\"empty\":\"\",\"alone\":true,\"id\":\"7f3a-12\"}\n",
               capture_end(&capture));
}

TEST(log_ends_a_quoted_text_where_the_next_key_begins)
{
    static const char *const keys[] = {"n", "az", "z_9", "a.0b", "_x"};
    for (size_t i = 0; i < countof(keys); i++) {
        Capture capture;
        char want[200];
        CASE(keys[i]);
        capture_begin(&capture);
        log_configure(LOG_DEBUG, LOG_LOGFMT);
        log_info("main note first=" LOG_TEXT " %s=" LOG_TEXT, "a b", keys[i], "c d");
        (void) snprintf(want, sizeof want,
                        "level=info time=TIME component=main event=note first=\"a b\" %s=\"c d\"\n",
                        keys[i]);
        check_line(want, capture_end(&capture));
    }
}

TEST(log_takes_all_words_before_the_first_pair_for_the_event)
{
    static const struct {
        const char *text, *logfmt;
    } cases[] = {
        {"main stopped", "component=main event=stopped"},
        {"main cannot start, no disk error=5",
         "component=main event=\"cannot start, no disk\" error=5"},
        {"http limit of a=b reached n=1", "component=http event=\"limit of\" a=b reached n=1"},
        {"main", "component=main event"},
        {"main  ready  port=1", "component=main event=ready port=1"},
        {"main port=1", "component=main event= port=1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Capture capture;
        char want[200];
        CASE(cases[i].text);
        capture_begin(&capture);
        log_configure(LOG_DEBUG, LOG_LOGFMT);
        log_info("%s", cases[i].text);
        (void) snprintf(want, sizeof want, "level=info time=TIME %s\n", cases[i].logfmt);
        check_line(want, capture_end(&capture));
    }
}

TEST(log_is_silent_below_its_level)
{
    static const LogLevel levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    for (size_t least = 0; least < countof(levels); least++) {
        Capture capture;
        capture_begin(&capture);
        log_configure(levels[least], LOG_LOGFMT);
        log_debug("main a");
        log_info("main b");
        log_warn("main c");
        log_error("main d");
        Str got = capture_end(&capture);
        size_t lines = 0;
        for (size_t i = 0; i < got.len; i++)
            lines += got.ptr[i] == '\n';
        CHECK_INT(countof(levels) - least, lines);
        CHECK_HAS("event=d", got);
    }
}

TEST(log_keeps_errno_and_cuts_what_is_too_long)
{
    static char longer[10000];
    Capture capture;
    memset(longer, '"', sizeof longer - 1); /* each takes two bytes in the line */
    capture_begin(&capture);
    log_configure(LOG_DEBUG, LOG_JSON);
    errno = ENOSPC;
    log_info("main note text=" LOG_TEXT, longer);
    CHECK_INT(ENOSPC, errno);
    Str got = capture_end(&capture);
    CHECK(got.len > 2000 && got.len < 10000);
    CHECK(str_ends(got, STR("\\\"\"}\n")));
    CHECK(memchr(got.ptr, '\n', got.len) == got.ptr + got.len - 1);
}
