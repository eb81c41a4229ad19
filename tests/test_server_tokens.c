#include "server/tokens.h"

#include "tests/test.h"

#include <stdio.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void) fputs(text, file);
    (void) fclose(file);
}

static const char *token_path(void)
{
    static char path[512];
    (void) snprintf(path, sizeof path, "%s/tokens", test_dir());
    return path;
}

TEST(tokens_are_known_by_all_of_them)
{
    static const struct {
        const char *authorization;
        TokenJudgement want;
    } cases[] = {
        {"Bearer first-token.1", TOKEN_GOOD},
        {"bearer first-token.1", TOKEN_GOOD}, /* the scheme's case does not count */
        {"BEARER   c2Vjb25k+/==  ", TOKEN_GOOD},
        {"Bearer last", TOKEN_GOOD},
        {"Bearer First-token.1", TOKEN_WRONG},
        {"Bearer first-token.", TOKEN_WRONG},
        {"Bearer first-token.12", TOKEN_WRONG},
        {"Bearer # a comment", TOKEN_WRONG},
        {"Bearer ", TOKEN_WRONG},
        {"Bearer", TOKEN_MISSING},
        {"first-token.1", TOKEN_MISSING},
        {"Basic first-token.1", TOKEN_MISSING},
        {"", TOKEN_MISSING},
        {NULL, TOKEN_MISSING},
    };
    Tokens *tokens = NULL;
    Err err = {.code = OK};
    const char *path = token_path();
    write_file(path, "# a comment\nfirst-token.1\n\n  c2Vjb25k+/== \r\nlast");
    REQUIRE_OK(tokens_open(path, &tokens, &err));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].authorization != NULL ? cases[i].authorization : "none");
        CHECK_INT(cases[i].want, tokens_judge(tokens, str_of(cases[i].authorization)));
    }
    tokens_close(tokens);
}

TEST(tokens_of_a_file_that_cannot_be_meant_are_refused_by_its_line)
{
    static const struct {
        const char *text, *want;
        ErrCode code;
    } cases[] = {
        {"good\nno token\n", ":2: no token", ERR_FORMAT},
        {"s\xc3\xa9same\n", ":1: no token", ERR_FORMAT},
        {"===\n", ":1: no token", ERR_FORMAT},
        {"a=b\n", ":1: no token", ERR_FORMAT},
        {"", "there is no token in it", ERR_FORMAT},
        {"# only a comment\n", "there is no token in it", ERR_FORMAT},
        {NULL, "No such file", ERR_STORAGE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Tokens *tokens = NULL;
        Err err = {.code = OK};
        const char *path = token_path();
        CASE(cases[i].want);
        if (cases[i].text != NULL)
            write_file(path, cases[i].text);
        CHECK_INT(cases[i].code, tokens_open(path, &tokens, &err));
        CHECK_HAS(cases[i].want, str_of(err.text));
        CHECK(tokens == NULL);
    }
}

TEST(tokens_are_read_anew_and_kept_when_that_fails)
{
    Tokens *tokens = NULL;
    Err err = {.code = OK};
    const char *path = token_path();
    write_file(path, "old\n");
    REQUIRE_OK(tokens_open(path, &tokens, &err));
    write_file(path, "new\n");
    CHECK_OK(tokens_reload(tokens, &err));
    CHECK_INT(TOKEN_GOOD, tokens_judge(tokens, STR("Bearer new")));
    CHECK_INT(TOKEN_WRONG, tokens_judge(tokens, STR("Bearer old")));
    write_file(path, "");
    CHECK_INT(ERR_FORMAT, tokens_reload(tokens, &err));
    CHECK_INT(TOKEN_GOOD, tokens_judge(tokens, STR("Bearer new")));
    tokens_close(tokens);
}
