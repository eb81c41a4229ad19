#include "export/credentials.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_SIZE = 256,
    TOKEN_SIZE = 16 * 1024,
    REGION_SIZE = 64,
    TEXT_MAX_BYTES = 1 << 20, /* of a file or an answer */
    REFRESH_S = 300,          /* before they end; AWS gives newer ones from then on */
    AGAIN_S = 60,             /* after a refresh that failed */
};

typedef struct Found {
    char access_key[KEY_SIZE], secret_key[KEY_SIZE], token[TOKEN_SIZE];
    UnixSec expires; /* NO_TIME: never */
} Found;

struct CredentialSource {
    const char *(*env)(const char *name);
    const char *container_origin;
    HttpClient *client;
    char region[REGION_SIZE];
    Found found; /* no access key: nothing yet */
    UnixSec next_try;
};

static const char *variable(const CredentialSource *source, const char *name)
{
    const char *value = source->env(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool copy(Str text, char *to, size_t to_size)
{
    if (str_is_none(text) || text.len >= to_size)
        return false;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static ErrCode none_here(Err *err)
{
    return err_set(err, ERR_NOT_FOUND, "credentials: none");
}

/* ---- environment ------------------------------------------------------------------------------- */

static ErrCode from_environment(CredentialSource *source, Found *ret, Err *err)
{
    const char *access_key = variable(source, "AWS_ACCESS_KEY_ID"),
               *secret_key = variable(source, "AWS_SECRET_ACCESS_KEY"),
               *token = variable(source, "AWS_SESSION_TOKEN");
    if (access_key == NULL || secret_key == NULL)
        return none_here(err);
    if (!copy(str_of(access_key), ret->access_key, KEY_SIZE) ||
        !copy(str_of(secret_key), ret->secret_key, KEY_SIZE) ||
        !copy(str_of(token != NULL ? token : ""), ret->token, TOKEN_SIZE))
        return err_set(err, ERR_INVALID, "credentials: those of the environment are too long");
    return OK;
}

/* ---- the shared files -------------------------------------------------------------------------- */

static bool read_shared(const CredentialSource *source, const char *name_in_env, const char *name,
                        Buf *out)
{
    const char *path = variable(source, name_in_env), *home = variable(source, "HOME");
    char in_home[4096];
    if (path == NULL && home == NULL)
        return false;
    (void) snprintf(in_home, sizeof in_home, "%s/.aws/%s", home != NULL ? home : "", name);
    return file_read(path != NULL ? path : in_home, out);
}

/* `key` in [section]; none when it is not there. */
static Str ini_value(Str text, Str section, const char *key)
{
    bool inside = false;
    Str rest = text, line, name, value;
    while (rest.len > 0) {
        if (!str_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest = STR("");
        }
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (line.ptr[0] == '[')
            inside = line.len > 2 && line.ptr[line.len - 1] == ']' &&
                     str_eq(str_trim((Str){line.ptr + 1, line.len - 2}), section);
        else if (inside && str_cut(line, '=', &name, &value) && str_eq(str_trim(name), str_of(key)))
            return str_trim(value);
    }
    return STR_NONE;
}

static const char *profile_of(const CredentialSource *source)
{
    const char *profile = variable(source, "AWS_PROFILE");
    return profile != NULL ? profile : "default";
}

/* In the second file a profile's section is called "profile x", but for the default's. */
static const struct {
    const char *name_in_env, *name, *prefix;
} SHARED[] = {
    {"AWS_SHARED_CREDENTIALS_FILE", "credentials", ""},
    {"AWS_CONFIG_FILE", "config", "profile "},
};

static Str section_of(const CredentialSource *source, size_t file, char *text, size_t size)
{
    const char *profile = profile_of(source);
    bool is_default = strcmp(profile, "default") == 0;
    (void) snprintf(text, size, "%s%s", is_default ? "" : SHARED[file].prefix, profile);
    return str_of(text);
}

static ErrCode from_files(CredentialSource *source, Found *ret, Err *err)
{
    for (size_t i = 0; i < countof(SHARED); i++) {
        CLEANUP(buf_release) Buf text = buf_init(TEXT_MAX_BYTES);
        char name[300];
        if (!read_shared(source, SHARED[i].name_in_env, SHARED[i].name, &text))
            continue;
        Str section = section_of(source, i, name, sizeof name);
        Str access_key = ini_value(buf_view(&text), section, "aws_access_key_id"),
            secret_key = ini_value(buf_view(&text), section, "aws_secret_access_key"),
            token = ini_value(buf_view(&text), section, "aws_session_token");
        if (str_is_none(access_key) || str_is_none(secret_key))
            continue;
        if (!copy(access_key, ret->access_key, KEY_SIZE) ||
            !copy(secret_key, ret->secret_key, KEY_SIZE) ||
            !copy(str_is_none(token) ? STR("") : token, ret->token, TOKEN_SIZE))
            return err_set(err, ERR_INVALID, "credentials: those of profile '%s' are too long",
                           profile_of(source));
        return OK;
    }
    if (variable(source, "AWS_PROFILE") != NULL)
        return err_set(err, ERR_INVALID, "credentials: profile '%s' has none", profile_of(source));
    return none_here(err);
}

static void find_region(CredentialSource *source)
{
    static const char *const NAMES[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < countof(NAMES); i++) {
        const char *region = variable(source, NAMES[i]);
        if (region != NULL && copy(str_of(region), source->region, REGION_SIZE))
            return;
    }
    CLEANUP(buf_release) Buf text = buf_init(TEXT_MAX_BYTES);
    char name[300];
    if (read_shared(source, SHARED[1].name_in_env, SHARED[1].name, &text))
        (void) copy(ini_value(buf_view(&text), section_of(source, 1, name, sizeof name), "region"),
                    source->region, REGION_SIZE);
}

/* ---- what an endpoint answers ------------------------------------------------------------------ */

/* It goes into a header's line: what is none of that is refused. */
static bool take_text(Str document, const char *key, char *to, size_t to_size)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Str text;
    if (!json_member_str(document, str_of(key), &arena, &text) || !copy(text, to, to_size))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char) text.ptr[i] <= ' ' || text.ptr[i] == '\x7f')
            return false;
    explicit_bzero((char *) (uintptr_t) text.ptr, text.len);
    return true;
}

static ErrCode take_answer(Str document, Found *ret, Err *err)
{
    char expires[64];
    if (!take_text(document, "AccessKeyId", ret->access_key, KEY_SIZE) ||
        !take_text(document, "SecretAccessKey", ret->secret_key, KEY_SIZE) ||
        !take_text(document, "Token", ret->token, TOKEN_SIZE) ||
        !take_text(document, "Expiration", expires, sizeof expires) ||
        !clock_parse(str_of(expires), &ret->expires))
        return err_set(err, ERR_FORMAT, "credentials: the endpoint's answer holds none");
    return OK;
}

/* Sends it and takes a 200 alone. */
static ErrCode ask(CredentialSource *source, const HttpRequest *request, HttpResult *ret, Err *err)
{
    ErrCode rc = http_send(source->client, request, ret, err);
    if (rc != OK)
        return err_context(err, "credentials: %s" STR_FMT, request->origin, STR_ARG(request->path));
    if (ret->status == 200)
        return OK;
    long status = ret->status;
    http_result_release(ret);
    return err_set(err, ERR_UPSTREAM, "credentials: %s" STR_FMT " answered %ld", request->origin,
                   STR_ARG(request->path), status);
}

/* ---- the container's endpoint ------------------------------------------------------------------ */

/* Exactly: 127.example.org is not this machine. */
static bool is_near(Str host)
{
    static const char *const NAMES[] = {"localhost", "[::1]", "[fd00:ec2::23]", "169.254.170.2",
                                        "169.254.170.23"};
    char text[64];
    struct in_addr address;
    for (size_t i = 0; i < countof(NAMES); i++)
        if (str_eq_nocase(host, str_of(NAMES[i])))
            return true;
    return copy(host, text, sizeof text) && inet_pton(AF_INET, text, &address) == 1 &&
           ntohl(address.s_addr) >> 24 == 127;
}

/* The token goes over the wire as it is: without TLS only to this machine and to the addresses that
 * AWS gives containers. */
static bool may_be_asked(Str origin)
{
    static const char HTTP[] = "http://";
    Str host, port = str_after_last(origin, ':');
    if (str_starts(origin, STR("https://")))
        return true;
    if (!str_starts(origin, str_of(HTTP)))
        return false;
    host = (Str){origin.ptr + strlen(HTTP), origin.len - strlen(HTTP)};
    int64_t number = 0;
    if (port.len < host.len && str_to_int(port, &number))
        host.len -= port.len + 1;
    return is_near(host);
}

/* scheme://host[:port], without the rest. */
static Str origin_of(Str address)
{
    size_t at = 0;
    if (!str_find(address, STR("://"), &at))
        return STR("");
    at += 3;
    while (at < address.len && address.ptr[at] != '/' && address.ptr[at] != '?')
        at++;
    return (Str){address.ptr, at};
}

/* A file wins over the variable: it is what can be renewed. */
static ErrCode find_authorization(CredentialSource *source, Buf *out, Err *err)
{
    const char *path = variable(source, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
               *token = variable(source, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (path != NULL) {
        if (!file_read(path, out))
            return err_set(err, ERR_INVALID, "credentials: '%s' cannot be read: %s", path,
                           strerror(errno));
        out->len = str_trim(buf_view(out)).len;
    } else if (token != NULL) {
        buf_put_str(out, str_of(token));
    }
    buf_put_char(out, '\0');
    return buf_check(out, err);
}

static ErrCode from_container(CredentialSource *source, Found *ret, Err *err)
{
    const char *relative = variable(source, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
               *full = variable(source, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    CLEANUP(buf_release) Buf authorization = buf_init(TOKEN_SIZE);
    CLEANUP(buf_release) Buf address = buf_init(4096);
    HttpResult result;
    if (relative == NULL && full == NULL)
        return none_here(err);
    if (relative == NULL && !may_be_asked(origin_of(str_of(full))))
        return err_set(err, ERR_INVALID,
                       "credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor near");
    buf_printf(&address, "%s%s", relative != NULL ? source->container_origin : "",
               relative != NULL ? relative : full);
    buf_put_char(&address, '\0');
    if (buf_check(&address, err) != OK)
        return err_context(err, "credentials: the container's address");
    ErrCode rc = find_authorization(source, &authorization, err);
    if (rc != OK)
        return rc;
    const HttpPair header = {"authorization", authorization.ptr};
    const HttpRequest request = {.method = "GET",
                                 .origin = address.ptr,
                                 .path = STR(""),
                                 .headers = &header,
                                 .header_count = 1};
    rc = ask(source, &request, &result, err);
    if (rc != OK)
        return rc;
    rc = take_answer(buf_view(&result.body), ret, err);
    http_result_release(&result);
    return rc;
}

/* ---- the instance's metadata ------------------------------------------------------------------- */

static const char ROLES[] = "/latest/meta-data/iam/security-credentials/";

/* The body of a GET with the session's token, NUL behind it. */
static ErrCode ask_instance(CredentialSource *source, const char *origin, Str path,
                            const char *token, Buf *out, Err *err)
{
    const HttpPair header = {"x-aws-ec2-metadata-token", token};
    const HttpRequest request = {
        .method = "GET", .origin = origin, .path = path, .headers = &header, .header_count = 1};
    HttpResult result;
    ErrCode rc = ask(source, &request, &result, err);
    if (rc != OK)
        return rc;
    buf_put_str(out, str_trim(buf_view(&result.body)));
    buf_put_char(out, '\0');
    http_result_release(&result);
    return buf_check(out, err);
}

static ErrCode open_session(CredentialSource *source, const char *origin, Buf *out, Err *err)
{
    static const HttpPair TTL = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"};
    const HttpRequest request = {.method = "PUT",
                                 .origin = origin,
                                 .path = STR("/latest/api/token"),
                                 .headers = &TTL,
                                 .header_count = 1,
                                 .body = STR("")};
    HttpResult result;
    ErrCode rc = ask(source, &request, &result, err);
    if (rc != OK)
        return rc;
    buf_put_str(out, str_trim(buf_view(&result.body)));
    buf_put_char(out, '\0');
    http_result_release(&result);
    return buf_check(out, err);
}

static ErrCode from_instance(CredentialSource *source, Found *ret, Err *err)
{
    const char *off = variable(source, "AWS_EC2_METADATA_DISABLED"),
               *origin = variable(source, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    CLEANUP(buf_release) Buf token = buf_init(TOKEN_SIZE);
    CLEANUP(buf_release) Buf role = buf_init(KEY_SIZE);
    CLEANUP(buf_release) Buf path = buf_init(1024);
    CLEANUP(buf_release) Buf answer = buf_init(TEXT_MAX_BYTES);
    if (off != NULL && str_eq_nocase(str_of(off), STR("true")))
        return none_here(err);
    if (origin == NULL)
        origin = "http://169.254.169.254";
    ErrCode rc = open_session(source, origin, &token, err);
    if (rc == OK)
        rc = ask_instance(source, origin, str_of(ROLES), token.ptr, &role, err);
    if (rc == OK) {
        buf_printf(&path, "%s%s", ROLES, role.ptr);
        rc = ask_instance(source, origin, buf_view(&path), token.ptr, &answer, err);
    }
    return rc == OK ? take_answer(buf_view(&answer), ret, err) : rc;
}

/* ---- all of it --------------------------------------------------------------------------------- */

typedef ErrCode FindFn(CredentialSource *source, Found *ret, Err *err);

/* The first that is set up counts, also when it fails: it was meant. */
static ErrCode find(CredentialSource *source, Found *ret, Err *err)
{
    static FindFn *const PLACES[] = {from_environment, from_files, from_container, from_instance};
    for (size_t i = 0; i < countof(PLACES); i++) {
        *ret = (Found){.expires = NO_TIME};
        ErrCode rc = PLACES[i](source, ret, err);
        if (rc != ERR_NOT_FOUND)
            return rc;
    }
    return err_set(err, ERR_INVALID,
                   "credentials: none in environment, shared files, container or instance");
}

ErrCode credentials_open(const CredentialOptions *options, CredentialSource **ret_source, Err *err)
{
    /* These addresses answer at once or are not there. */
    static const HttpClientOptions CLIENT = {.user_agent = "freshet/" FRESHET_VERSION,
                                             .deadline_ms = 5000,
                                             .connect_ms = 1000,
                                             .stall_ms = 5000,
                                             .max_body_bytes = TEXT_MAX_BYTES,
                                             .no_proxy = true};
    CredentialSource *source = calloc(1, sizeof *source);
    if (source == NULL)
        return err_set(err, ERR_NO_MEMORY, "credentials: no memory");
    source->env = options->env;
    source->container_origin =
        options->container_origin != NULL ? options->container_origin : "http://169.254.170.2";
    source->next_try = NO_TIME;
    ErrCode rc = http_client_open(&CLIENT, &source->client, err);
    if (rc != OK) {
        free(source);
        return rc;
    }
    find_region(source);
    *ret_source = source;
    return OK;
}

void credentials_close(CredentialSource *source)
{
    if (source == NULL)
        return;
    http_client_close(source->client);
    explicit_bzero(&source->found, sizeof source->found);
    free(source);
}

void credentials_stop_at(CredentialSource *source, int64_t at_ms)
{
    http_client_stop_at(source->client, at_ms);
}

void credentials_drop(CredentialSource *source)
{
    explicit_bzero(&source->found, sizeof source->found);
}

const char *credentials_region(CredentialSource *source)
{
    return source->region;
}

static bool holds(const Found *found, UnixSec until)
{
    return found->access_key[0] != '\0' && (found->expires == NO_TIME || found->expires > until);
}

ErrCode credentials_get(CredentialSource *source, UnixSec now, Credentials *ret, Err *err)
{
    bool is_fresh = holds(&source->found, now + REFRESH_S);
    if (!is_fresh && (!holds(&source->found, now) || now >= source->next_try)) {
        Found newer = {.expires = NO_TIME};
        ErrCode rc = find(source, &newer, err);
        if (rc == OK)
            source->found = newer;
        explicit_bzero(&newer, sizeof newer);
        source->next_try = now + AGAIN_S;
        if (rc != OK && !holds(&source->found, now))
            return rc;
    }
    *ret = (Credentials){.access_key = source->found.access_key,
                         .secret_key = source->found.secret_key,
                         .token = source->found.token};
    return OK;
}
