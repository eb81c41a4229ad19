#include "base/err.h"

#include "tests/test.h"

#include <string.h>

TEST(err_set_reports_and_returns_in_one_line)
{
    Err err = {.code = OK};
    CHECK_INT(ERR_NETWORK, err_set(&err, ERR_NETWORK, "no answer in %d s", 20));
    CHECK_INT(ERR_NETWORK, err.code);
    CHECK_TEXT("no answer in 20 s", str_of(err.text));
    CHECK_INT(ERR_INVALID, err_set(NULL, ERR_INVALID, "nobody asks"));
}

TEST(err_context_goes_in_front)
{
    Err err = {.code = OK};
    (void) err_set(&err, ERR_FORMAT, "no items");
    CHECK_INT(ERR_FORMAT, err_context(&err, "stations, %d bytes", 12));
    CHECK_INT(ERR_FORMAT, err_context(&err, "poll"));
    CHECK_TEXT("poll: stations, 12 bytes: no items", str_of(err.text));
    CHECK_INT(ERR_FORMAT, err.code);
}

TEST(err_text_is_cut_never_overrun)
{
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    Err err = {.code = OK};
    (void) err_set(&err, ERR_STORAGE, "%s", longer);
    CHECK_INT(sizeof err.text - 1, strlen(err.text));
    CHECK_INT(ERR_STORAGE, err_context(&err, "open"));
    CHECK_INT(sizeof err.text - 1, strlen(err.text));
    CHECK(str_starts(str_of(err.text), STR("open: xxx")));
    CHECK_INT(ERR_STORAGE, err_context(&err, "%s", longer));
    CHECK_INT(sizeof err.text - 1, strlen(err.text));
}

TEST(err_codes_have_names_and_say_whether_a_retry_helps)
{
    static const struct {
        ErrCode code;
        const char *name;
        bool retryable;
    } cases[] = {
        {OK, "ok", false},
        {ERR_INVALID, "invalid", false},
        {ERR_NOT_FOUND, "not_found", false},
        {ERR_FORMAT, "format", true},
        {ERR_TOO_LARGE, "too_large", false},
        {ERR_BUSY, "busy", true},
        {ERR_NETWORK, "network", true},
        {ERR_UPSTREAM, "upstream", true},
        {ERR_STORAGE, "storage", true},
        {ERR_CORRUPT, "corrupt", false},
        {ERR_NO_MEMORY, "no_memory", true},
        {ERR_STOPPED, "stopped", false},
    };
    CHECK_INT(ERR_CODE_COUNT, countof(cases));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_TEXT(cases[i].name, str_of(err_name(cases[i].code)));
        CHECK_INT(cases[i].retryable, err_is_retryable(cases[i].code));
    }
}
