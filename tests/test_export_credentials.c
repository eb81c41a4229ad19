/* Where keys are found, and when they are fetched anew: files and small servers on loopback. */
#include "export/credentials.h"

#include "base/clock.h"
#include "tests/s3_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NOW ((UnixSec) 1795341600) /* 2026-11-22T10:00:00Z */

typedef struct Rig {
    CredentialSource *source;
    Credentials got;
    Err err;
} Rig;

static void close_source(void *ctx)
{
    credentials_close(*(CredentialSource **) ctx);
}

static void rig_open(Rig *rig, const char *container_origin)
{
    const CredentialOptions options = {.env = s3_env, .container_origin = container_origin};
    *rig = (Rig){.source = NULL};
    REQUIRE(credentials_open(&options, &rig->source, &rig->err) == OK);
    test_defer(close_source, &rig->source);
}

static void rig_close(Rig *rig)
{
    credentials_close(TAKE(rig->source));
}

static ErrCode get(Rig *rig, UnixSec now)
{
    rig->got = (Credentials){.access_key = "", .secret_key = "", .token = ""};
    rig->err = (Err){.code = OK};
    return credentials_get(rig->source, now, &rig->got, &rig->err);
}

static void check_got(Rig *rig, UnixSec now, const char *access_key, const char *secret_key,
                      const char *token)
{
    Err err = {.code = OK};
    ErrCode rc = get(rig, now);
    err = rig->err;
    CHECK_OK(rc);
    CHECK_TEXT(access_key, str_of(rig->got.access_key));
    CHECK_TEXT(secret_key, str_of(rig->got.secret_key));
    CHECK_TEXT(token, str_of(rig->got.token));
}

/* Only what the test sets. */
static void only_here(void)
{
    s3_env_clear();
    s3_env_set("AWS_EC2_METADATA_DISABLED", "true");
}

static const char *file_in(const char *dir, const char *name, const char *text)
{
    static char path[500];
    (void) snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL && fputs(text, file) >= 0);
    (void) fclose(file);
    return path;
}

/* ---- environment and files --------------------------------------------------------------------- */

static const char SHARED_FILE[] = "# ours\n"
                                  "[default]\n"
                                  "aws_access_key_id = D-KEY\n"
                                  "aws_secret_access_key=D/SECRET+=\n"
                                  "; no\n"
                                  "[other]\r\n"
                                  "aws_access_key_id=O-KEY\r\n"
                                  "aws_secret_access_key = O-SECRET \r\n"
                                  "aws_session_token = O-TOKEN==\r\n"
                                  "[half]\n"
                                  "aws_access_key_id = H-KEY\n";
static const char CONFIG_FILE[] = "[default]\n"
                                  "region = eu-west-1\n"
                                  "[profile other]\n"
                                  "region = eu-west-2\n"
                                  "[profile third]\n"
                                  "aws_access_key_id = T-KEY\n"
                                  "aws_secret_access_key = T-SECRET";

TEST(credentials_come_from_environment_and_shared_files)
{
    static const struct {
        const char *name, *profile, *key_in_env, *access_key, *secret_key, *token, *region;
    } cases[] = {
        {"environment first", "", "E-KEY", "E-KEY", "E-SECRET", "", "eu-west-1"},
        {"default profile", "", "", "D-KEY", "D/SECRET+=", "", "eu-west-1"},
        {"another", "other", "", "O-KEY", "O-SECRET", "O-TOKEN==", "eu-west-2"},
        {"in the second file", "third", "", "T-KEY", "T-SECRET", "", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        static Rig rig; /* what is deferred outlives the frame */
        CASE(cases[i].name);
        only_here();
        s3_env_set("AWS_SHARED_CREDENTIALS_FILE", file_in(test_dir(), "credentials", SHARED_FILE));
        s3_env_set("AWS_CONFIG_FILE", file_in(test_dir(), "config", CONFIG_FILE));
        s3_env_set("AWS_PROFILE", cases[i].profile);
        s3_env_set("AWS_ACCESS_KEY_ID", cases[i].key_in_env);
        s3_env_set("AWS_SECRET_ACCESS_KEY", "E-SECRET");
        rig_open(&rig, NULL);
        check_got(&rig, NOW, cases[i].access_key, cases[i].secret_key, cases[i].token);
        CHECK_TEXT(cases[i].region, str_of(credentials_region(rig.source)));
        rig_close(&rig);
    }
}

TEST(credentials_lie_in_the_home_of_who_runs_it)
{
    char path[500];
    static Rig rig; /* the same */
    only_here();
    const char *home = test_dir();
    s3_env_set("HOME", home);
    s3_env_set("AWS_DEFAULT_REGION", "eu-north-1");
    (void) snprintf(path, sizeof path, "%s/.aws", home);
    REQUIRE(mkdir(path, 0700) == 0);
    (void) file_in(home, ".aws/credentials", SHARED_FILE);
    rig_open(&rig, NULL);
    check_got(&rig, NOW, "D-KEY", "D/SECRET+=", "");
    CHECK_TEXT("eu-north-1", str_of(credentials_region(rig.source)));
    rig_close(&rig);
}

TEST(credentials_that_are_nowhere_are_said_to_be)
{
    static const char *const profiles[] = {"half", "nobody"};
    static Rig rig; /* the same */
    only_here();
    rig_open(&rig, NULL);
    CHECK_INT(ERR_INVALID, get(&rig, NOW));
    CHECK_HAS("none in environment", str_of(rig.err.text));
    rig_close(&rig);
    s3_env_set("AWS_SHARED_CREDENTIALS_FILE", file_in(test_dir(), "credentials", SHARED_FILE));
    for (size_t i = 0; i < countof(profiles); i++) {
        CASE(profiles[i]);
        s3_env_set("AWS_PROFILE", profiles[i]);
        rig_open(&rig, NULL);
        CHECK_INT(ERR_INVALID, get(&rig, NOW));
        CHECK_HAS(profiles[i], str_of(rig.err.text));
        rig_close(&rig);
    }
}

/* ---- endpoints --------------------------------------------------------------------------------- */

typedef struct Endpoint {
    Loopback *loopback;
    int requests, generation; /* which keys it gives */
    int64_t lasts_s;          /* from NOW on */
    int status;               /* of the next answers */
    const char *body;         /* NULL: good keys */
    char authorization[100];  /* of the last request */
    char paths[600];          /* of all, each with a blank behind it */
} Endpoint;

static void put_keys(const Endpoint *endpoint, Buf *out)
{
    char expires[CLOCK_TEXT_SIZE];
    clock_format(NOW + endpoint->lasts_s, expires);
    buf_printf(out,
               "{\"Code\": \"Success\", \"AccessKeyId\": \"KEY-%d\", \"SecretAccessKey\": "
               "\"a\\/b\\u002bc\", \"Token\": \"TOKEN-%d\", \"Expiration\": \"%s\"}",
               endpoint->generation, endpoint->generation, expires);
}

static void note(Endpoint *endpoint, const LoopbackRequest *request)
{
    size_t used = strlen(endpoint->paths);
    endpoint->requests++;
    (void) snprintf(endpoint->authorization, sizeof endpoint->authorization, STR_FMT,
                    STR_ARG(loopback_field(request, "Authorization")));
    (void) snprintf(endpoint->paths + used, sizeof endpoint->paths - used, STR_FMT " ",
                    STR_ARG(request->target));
}

static void answer_container(const LoopbackRequest *request, LoopbackReply *reply, void *ctx)
{
    Endpoint *endpoint = ctx;
    note(endpoint, request);
    reply->status = endpoint->status;
    if (endpoint->body != NULL)
        buf_put_str(&reply->body, str_of(endpoint->body));
    else
        put_keys(endpoint, &reply->body);
}

static void endpoint_start(Endpoint *endpoint, LoopbackFn *answer)
{
    *endpoint = (Endpoint){.generation = 1, .lasts_s = 3600, .status = 200};
    endpoint->loopback = loopback_start(answer, endpoint);
}

TEST(credentials_come_from_the_container)
{
    char url[200];
    Endpoint endpoint;
    static Rig rig; /* the same */
    endpoint_start(&endpoint, answer_container);
    only_here();
    (void) snprintf(url, sizeof url, "%s/creds?id=a", loopback_origin(endpoint.loopback));
    CASE("a full address, with a token");
    s3_env_set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    s3_env_set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc=");
    rig_open(&rig, NULL);
    check_got(&rig, NOW, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_TEXT("Basic abc=", str_of(endpoint.authorization));
    CHECK_TEXT("/creds?id=a ", str_of(endpoint.paths));
    rig_close(&rig);
    CASE("the token from a file");
    s3_env_set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
               file_in(test_dir(), "token", "from-a-file\n"));
    rig_open(&rig, NULL);
    check_got(&rig, NOW, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_TEXT("from-a-file", str_of(endpoint.authorization));
    rig_close(&rig);
    CASE("a relative address");
    s3_env_clear();
    s3_env_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1-2");
    rig_open(&rig, loopback_origin(endpoint.loopback));
    endpoint.paths[0] = '\0';
    check_got(&rig, NOW, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_TEXT("/v2/credentials/1-2 ", str_of(endpoint.paths));
    rig_close(&rig);
}

TEST(credentials_of_the_container_go_to_nobody_else)
{
    static const char *const addresses[] = {
        "http://example.org/creds",
        "http://127.example.org/creds",
        "http://169.254.170.2.example/x",
        "http://localhost.example.org:80/x",
        "http://127.0.0.1@example.org/x",
        "ftp://127.0.0.1/x",
        "/only/a/path",
    };
    for (size_t i = 0; i < countof(addresses); i++) {
        static Rig rig; /* what is deferred outlives the frame */
        CASE(addresses[i]);
        only_here();
        s3_env_set("AWS_CONTAINER_CREDENTIALS_FULL_URI", addresses[i]);
        s3_env_set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret");
        rig_open(&rig, NULL);
        CHECK_INT(ERR_INVALID, get(&rig, NOW));
        CHECK(strstr(rig.err.text, "secret") == NULL);
        rig_close(&rig);
    }
}

TEST(credentials_of_a_bad_answer_are_none)
{
    static const struct {
        const char *body;
        int status;
        ErrCode want;
    } cases[] = {
        {"", 500, ERR_UPSTREAM},
        {"{}", 403, ERR_UPSTREAM},
        {"not json", 200, ERR_FORMAT},
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hidden\",\"Token\":\"t\"}", 200, ERR_FORMAT},
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hidden\",\"Token\":\"t\","
         "\"Expiration\":\"soon\"}",
         200, ERR_FORMAT},
        {"{\"AccessKeyId\":7,\"SecretAccessKey\":\"hidden\",\"Token\":\"t\","
         "\"Expiration\":\"2026-11-22T12:00:00Z\"}",
         200, ERR_FORMAT},
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hidden\",\"Token\":\"t\\r\\nx: y\","
         "\"Expiration\":\"2026-11-22T12:00:00Z\"}",
         200, ERR_FORMAT}, /* a line end would begin another field */
    };
    Endpoint endpoint;
    endpoint_start(&endpoint, answer_container);
    for (size_t i = 0; i < countof(cases); i++) {
        static Rig rig; /* what is deferred outlives the frame */
        CASE(cases[i].body);
        only_here();
        s3_env_set("AWS_CONTAINER_CREDENTIALS_FULL_URI", loopback_origin(endpoint.loopback));
        endpoint.status = cases[i].status;
        endpoint.body = cases[i].body;
        rig_open(&rig, NULL);
        CHECK_INT(cases[i].want, get(&rig, NOW));
        CHECK(strstr(rig.err.text, "hidden") == NULL);
        rig_close(&rig);
    }
}

TEST(credentials_are_renewed_before_they_end)
{
    Endpoint endpoint;
    static Rig rig; /* the same */
    endpoint_start(&endpoint, answer_container);
    only_here();
    s3_env_set("AWS_CONTAINER_CREDENTIALS_FULL_URI", loopback_origin(endpoint.loopback));
    rig_open(&rig, NULL);
    check_got(&rig, NOW, "KEY-1", "a/b+c", "TOKEN-1");
    endpoint.generation = 2;
    endpoint.lasts_s = 7200;
    CASE("they hold");
    check_got(&rig, NOW + 3000, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_INT(1, endpoint.requests);
    CASE("they end soon, and nobody gives newer ones: they still hold");
    endpoint.status = 500;
    check_got(&rig, NOW + 3400, "KEY-1", "a/b+c", "TOKEN-1");
    check_got(&rig, NOW + 3410, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_INT(2, endpoint.requests); /* not asked again at each request */
    CASE("newer ones");
    endpoint.status = 200;
    check_got(&rig, NOW + 3500, "KEY-2", "a/b+c", "TOKEN-2");
    CHECK_INT(3, endpoint.requests);
    CASE("refused by who should take them: fetched anew");
    endpoint.generation = 3;
    credentials_drop(rig.source);
    check_got(&rig, NOW + 3501, "KEY-3", "a/b+c", "TOKEN-3");
    CASE("ended, and none to be had");
    endpoint.status = 500;
    CHECK_INT(ERR_UPSTREAM, get(&rig, NOW + 7201));
    rig_close(&rig);
}

/* ---- the instance ------------------------------------------------------------------------------ */

/* Version 2 alone: a session first, by PUT, and its token with every request. */
static void answer_instance(const LoopbackRequest *request, LoopbackReply *reply, void *ctx)
{
    static const char ROLES[] = "/latest/meta-data/iam/security-credentials/";
    Endpoint *endpoint = ctx;
    note(endpoint, request);
    if (str_eq(request->method, STR("PUT"))) {
        bool good = str_eq(request->path, STR("/latest/api/token")) &&
                    !str_is_none(loopback_field(request, "X-aws-ec2-metadata-token-ttl-seconds"));
        reply->status = good ? 200 : 400;
        BUF_LITERAL(&reply->body, "session==");
    } else if (!str_eq(loopback_field(request, "X-aws-ec2-metadata-token"), STR("session=="))) {
        reply->status = 401;
    } else if (str_eq(request->path, str_of(ROLES))) {
        BUF_LITERAL(&reply->body, "river role\n");
    } else if (str_eq(request->path,
                      STR("/latest/meta-data/iam/security-credentials/river%20role"))) {
        put_keys(endpoint, &reply->body);
    } else {
        reply->status = 404;
    }
}

TEST(credentials_come_from_the_instance)
{
    Endpoint endpoint;
    static Rig rig; /* the same */
    endpoint_start(&endpoint, answer_instance);
    s3_env_clear();
    s3_env_set("AWS_EC2_METADATA_SERVICE_ENDPOINT", loopback_origin(endpoint.loopback));
    rig_open(&rig, NULL);
    check_got(&rig, NOW, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_INT(3, endpoint.requests);
    check_got(&rig, NOW + 10, "KEY-1", "a/b+c", "TOKEN-1");
    CHECK_INT(3, endpoint.requests);
    endpoint.generation = 2;
    check_got(&rig, NOW + 3400, "KEY-2", "a/b+c", "TOKEN-2");
    rig_close(&rig);
}
