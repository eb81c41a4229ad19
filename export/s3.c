#include "export/s3.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "export/credentials.h"
#include "export/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 80, ORIGIN_SIZE = 320, ANSWER_MAX_BYTES = 16 << 20 };

static const char EMPTY_SHA256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct S3 {
    S3Options options;
    char bucket[NAME_SIZE], region[NAME_SIZE];
    char endpoint[ORIGIN_SIZE]; /* "": AWS's own */
    bool host_style;
    char redirect[ORIGIN_SIZE]; /* where the call under way was sent instead; "": nowhere */
    HttpClient *client;
    CredentialSource *credentials;
    int64_t clock_offset_s; /* of the server's clock from ours */
    uint64_t random;
    Lock lock; /* guards the next two */
    Cond hurry_asked;
    bool hurries;
};

S3Options s3_options_default(const char *(*env)(const char *name), uint64_t jitter_seed)
{
    return (S3Options){
        .env = env,
        .attempts = 8, /* with these pauses: over some 30 s */
        .retry_min_ms = 200,
        .retry_max_ms = 20000,
        .deadline_ms = 600000,
        .connect_ms = 10000,
        .stall_ms = 30000,
        .part_bytes = 16 << 20,
        .list_page = 1000,
        .jitter_seed = jitter_seed,
    };
}

ErrCode s3_send(S3 *s3, const S3Call *call, Err *err)
{
    HttpResult result;
    ErrCode rc = s3_call(s3, call, &result, err);
    if (rc == OK)
        http_result_release(&result);
    return rc;
}

const S3Options *s3_options(const S3 *s3)
{
    return &s3->options;
}

/* ---- open, close, stop ------------------------------------------------------------------------- */

/* 3 to 63 of a-z, 0-9, . and -: AWS's rule, and safe in a host's name. */
static bool is_bucket(Str bucket)
{
    for (size_t i = 0; i < bucket.len; i++) {
        char c = bucket.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-')
            return false;
    }
    return bucket.len >= 3 && bucket.len <= 63;
}

static ErrCode take_endpoint(S3 *s3, Err *err)
{
    static const char *const NAMES[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
    for (size_t i = 0; i < countof(NAMES); i++) {
        Str url = str_of(s3->options.env(NAMES[i]));
        if (url.len == 0)
            continue;
        while (str_ends(url, STR("/")))
            url.len--;
        if ((!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) ||
            url.len >= sizeof s3->endpoint - NAME_SIZE)
            return err_set(err, ERR_INVALID, "s3: %s is no http:// or https:// address", NAMES[i]);
        memcpy(s3->endpoint, url.ptr, url.len);
        break;
    }
    return OK;
}

/* A certificate for *.s3... does not cover a bucket with a dot in its name. */
static void choose_style(S3 *s3)
{
    S3Style style = s3->options.style;
    if (style == S3_STYLE_AUTO)
        style = s3->endpoint[0] != '\0' || strchr(s3->bucket, '.') != NULL ? S3_STYLE_PATH
                                                                           : S3_STYLE_HOST;
    s3->host_style = style == S3_STYLE_HOST;
}

static ErrCode open_clients(S3 *s3, Err *err)
{
    const S3Options *o = &s3->options;
    const HttpClientOptions client = {.user_agent = "freshet/" FRESHET_VERSION,
                                      .deadline_ms = o->deadline_ms,
                                      .connect_ms = o->connect_ms,
                                      .stall_ms = o->stall_ms,
                                      .max_body_bytes = ANSWER_MAX_BYTES};
    const CredentialOptions credentials = {.env = o->env};
    ErrCode rc = http_client_open(&client, &s3->client, err);
    if (rc == OK)
        rc = credentials_open(&credentials, &s3->credentials, err);
    return rc;
}

ErrCode s3_open(const S3Options *options, Str bucket, S3 **ret_s3, Err *err)
{
    if (!is_bucket(bucket))
        return err_set(err, ERR_INVALID, "s3: '" STR_FMT "' is no bucket's name", STR_ARG(bucket));
    S3 *s3 = calloc(1, sizeof *s3);
    if (s3 == NULL)
        return err_set(err, ERR_NO_MEMORY, "s3: no memory");
    s3->options = *options;
    s3->random = options->jitter_seed | 1;
    lock_init(&s3->lock);
    cond_init(&s3->hurry_asked);
    memcpy(s3->bucket, bucket.ptr, bucket.len);
    ErrCode rc = take_endpoint(s3, err);
    if (rc == OK)
        rc = open_clients(s3, err);
    if (rc != OK) {
        s3_close(s3);
        return rc;
    }
    const char *region = credentials_region(s3->credentials);
    (void) snprintf(s3->region, sizeof s3->region, "%s",
                    region[0] != '\0' ? region : "us-east-1"); /* as AWS's own tools; else learnt */
    choose_style(s3);
    *ret_s3 = s3;
    return OK;
}

void s3_close(S3 *s3)
{
    if (s3 == NULL)
        return;
    credentials_close(s3->credentials);
    http_client_close(s3->client);
    cond_release(&s3->hurry_asked);
    lock_release(&s3->lock);
    free(s3);
}

void s3_hurry(S3 *s3, int64_t at_ms)
{
    http_client_stop_at(s3->client, at_ms);
    credentials_stop_at(s3->credentials, at_ms);
    lock_take(&s3->lock);
    s3->hurries = true;
    cond_signal_all(&s3->hurry_asked);
    lock_give(&s3->lock);
}

/* ---- pauses ------------------------------------------------------------------------------------ */

/* xorshift64: jitter needs no better. */
static uint64_t draw(S3 *s3)
{
    s3->random ^= s3->random << 13;
    s3->random ^= s3->random >> 7;
    s3->random ^= s3->random << 17;
    return s3->random;
}

/* Doubles with each attempt, and is drawn from its upper half, so that many do not come at once. */
static int64_t pause_ms(S3 *s3, int attempt, int64_t retry_after_s)
{
    int64_t most = s3->options.retry_min_ms;
    for (int i = 1; i < attempt && most < s3->options.retry_max_ms; i++)
        most *= 2;
    if (most > s3->options.retry_max_ms)
        most = s3->options.retry_max_ms;
    int64_t drawn = most / 2 + (int64_t) (draw(s3) % (uint64_t) (most / 2 + 1));
    int64_t told = retry_after_s * 1000 < s3->options.retry_max_ms ? retry_after_s * 1000
                                                                   : s3->options.retry_max_ms;
    return told > drawn ? told : drawn;
}

/* False: there is no time for another attempt. */
static bool pause_for(S3 *s3, int64_t ms)
{
    int64_t deadline_ms = clock_elapsed_ms() + ms;
    lock_take(&s3->lock);
    while (!s3->hurries && cond_wait(&s3->hurry_asked, &s3->lock, deadline_ms))
        ;
    bool goes_on = !s3->hurries;
    lock_give(&s3->lock);
    return goes_on;
}

/* ---- one attempt ------------------------------------------------------------------------------- */

/* Whether the bucket's name stands in the host's. */
static bool is_host_style(const S3 *s3)
{
    size_t at = 0, len = strlen(s3->bucket);
    Str redirect = str_of(s3->redirect);
    if (!str_find(redirect, STR("://"), &at))
        return s3->host_style;
    Str host = {redirect.ptr + at + 3, redirect.len - at - 3};
    return str_starts(host, str_of(s3->bucket)) && host.len > len && host.ptr[len] == '.';
}

static void put_origin(const S3 *s3, Buf *out)
{
    Str endpoint = str_of(s3->endpoint), host;
    const char *suffix = str_starts(str_of(s3->region), STR("cn-")) ? ".cn" : "";
    size_t at = 0;
    if (s3->redirect[0] != '\0') {
        buf_put_str(out, str_of(s3->redirect));
    } else if (endpoint.len == 0) {
        buf_printf(out, "https://%s%ss3.%s.amazonaws.com%s", s3->host_style ? s3->bucket : "",
                   s3->host_style ? "." : "", s3->region, suffix);
    } else if (s3->host_style && str_find(endpoint, STR("://"), &at)) {
        host = (Str){endpoint.ptr + at + 3, endpoint.len - at - 3};
        buf_printf(out, STR_FMT "%s." STR_FMT, (int) at + 3, endpoint.ptr, s3->bucket,
                   STR_ARG(host));
    } else {
        buf_put_str(out, endpoint);
    }
    buf_put_char(out, '\0');
}

static void put_path(const S3 *s3, Str key, Buf *out)
{
    bool host_style = is_host_style(s3);
    buf_put_char(out, '/');
    if (!host_style)
        buf_put_str(out, str_of(s3->bucket));
    if (!host_style && !str_is_none(key))
        buf_put_char(out, '/');
    buf_put_str(out, key);
}

static ErrCode attempt(S3 *s3, const S3Call *call, HttpResult *ret, Err *err)
{
    CLEANUP(buf_release) Buf origin = buf_init(1024);
    CLEANUP(buf_release) Buf path = buf_init(4096);
    Credentials credentials;
    UnixSec now = clock_now();
    ErrCode rc = credentials_get(s3->credentials, now, &credentials, err);
    if (rc != OK)
        return rc;
    put_origin(s3, &origin);
    put_path(s3, call->key, &path);
    if (origin.error != OK || path.error != OK)
        return err_set(err, ERR_INVALID, "s3: the key is too long");
    const HttpSigning signing = {
        .with = {.access_key = credentials.access_key,
                 .secret_key = credentials.secret_key,
                 .region = s3->region,
                 .service = "s3",
                 .body_sha256 = call->body_sha256 != NULL ? call->body_sha256 : EMPTY_SHA256,
                 .at = now + s3->clock_offset_s},
        .token = credentials.token,
        .says_digest = true,
    };
    const HttpRequest request = {
        .method = call->method,
        .origin = origin.ptr,
        .path = buf_view(&path),
        .query = call->query,
        .query_count = call->query_count,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = call->body,
        .body_fd = call->body_fd,
        .body_at = call->body_at,
        .body_bytes = call->body_bytes,
        .sink = call->sink,
        .sink_ctx = call->sink_ctx,
        .signing = &signing,
    };
    return http_send(s3->client, &request, ret, err);
}

/* ---- judging an answer ------------------------------------------------------------------------- */

typedef enum Verdict {
    GOOD,
    REFUSED,    /* for good */
    NOT_THERE,  /* no such key */
    AGAIN,      /* it passes by itself */
    NEW_CLOCK,  /* ours differs from the server's */
    NEW_REGION, /* the bucket is somewhere else, or for now reached by another address */
    NEW_KEYS,   /* the credentials have ended */
} Verdict;

static const struct {
    const char *code;
    Verdict verdict;
} CODES[] = {
    {"RequestTimeTooSkewed", NEW_CLOCK},
    {"AuthorizationHeaderMalformed", NEW_REGION},
    {"PermanentRedirect", NEW_REGION},
    {"TemporaryRedirect", NEW_REGION},
    {"IllegalLocationConstraintException", NEW_REGION},
    {"ExpiredToken", NEW_KEYS},
    {"TokenRefreshRequired", NEW_KEYS},
    {"InvalidToken", NEW_KEYS},
    /* damaged or cut on its way */
    {"BadDigest", AGAIN},
    {"XAmzContentSHA256Mismatch", AGAIN},
    {"IncompleteBody", AGAIN},
    {"RequestTimeout", AGAIN},
    {"OperationAborted", AGAIN},
    {"NoSuchBucket", REFUSED},
};

enum { SKEW_S = 300 }; /* servers allow 900; ours is kept well inside */

static int64_t skew_of(const S3 *s3, const HttpResult *result)
{
    return result->date == NO_TIME ? 0 : result->date - clock_now() - s3->clock_offset_s;
}

/* A HEAD's error has no body: what its status and fields say must do. */
static Verdict judge_status(const S3 *s3, const HttpResult *result)
{
    long status = result->status;
    int64_t skew_s = skew_of(s3, result);
    if (status >= 500 || status == 429 || status == 408)
        return AGAIN;
    if (status == 301 || status == 307 || status == 302)
        return NEW_REGION;
    if (status == 403 && result->body.len == 0 && (skew_s > SKEW_S || skew_s < -SKEW_S))
        return NEW_CLOCK;
    return status == 404 ? NOT_THERE : REFUSED;
}

static Verdict judge(const S3 *s3, const HttpResult *result, Str *ret_code)
{
    Str error, code = STR_NONE;
    bool is_error = xml_find(buf_view(&result->body), "Error", &error, NULL) &&
                    xml_find(error, "Code", &code, NULL);
    *ret_code = code;
    /* Completing an upload answers 200 at once, and may end with an error behind it. */
    if (result->status >= 200 && result->status < 300)
        return is_error ? AGAIN : GOOD;
    for (size_t i = 0; is_error && i < countof(CODES); i++)
        if (str_eq(code, str_of(CODES[i].code)))
            return CODES[i].verdict;
    return judge_status(s3, result);
}

static bool learn_region(S3 *s3, const HttpResult *result)
{
    Str region = http_result_field(result, "x-amz-bucket-region");
    if (str_is_none(region) && !xml_find(buf_view(&result->body), "Region", &region, NULL))
        return false;
    if (region.len == 0 || region.len >= sizeof s3->region || str_eq(region, str_of(s3->region)))
        return false;
    for (size_t i = 0; i < region.len; i++) /* it becomes part of a host's name */
        if (!(region.ptr[i] >= 'a' && region.ptr[i] <= 'z') &&
            !(region.ptr[i] >= '0' && region.ptr[i] <= '9') && region.ptr[i] != '-')
            return false;
    memcpy(s3->region, region.ptr, region.len);
    s3->region[region.len] = '\0';
    log_info("s3 region learnt bucket=%s region=%s", s3->bucket, s3->region);
    return true;
}

/* A bucket that is new, or moves, is for some time reached by another address, which the answer names. It is
 * signed for anew; to AWS's own only where we ask AWS, and never to one without TLS from one with. */
static bool follow_redirect(S3 *s3, const HttpResult *result)
{
    Str location = http_result_field(result, "Location"), scheme = STR("https://");
    size_t at = 0;
    if (str_starts(str_of(s3->endpoint), STR("http://")))
        scheme = STR("http://");
    if (result->status != 307 || !str_starts(location, scheme))
        return false;
    for (at = scheme.len; at < location.len && strchr("/?#", location.ptr[at]) == NULL; at++)
        if (location.ptr[at] <= ' ' || location.ptr[at] == '@')
            return false;
    location.len = at;
    if (location.len >= sizeof s3->redirect || str_eq(location, str_of(s3->redirect)) ||
        (s3->endpoint[0] == '\0' && !str_ends(location, STR(".amazonaws.com")) &&
         !str_ends(location, STR(".amazonaws.com.cn"))))
        return false;
    memcpy(s3->redirect, location.ptr, location.len);
    s3->redirect[location.len] = '\0';
    return true;
}

static bool learn_clock(S3 *s3, const HttpResult *result)
{
    int64_t skew_s = skew_of(s3, result);
    if (skew_s == 0)
        return false;
    s3->clock_offset_s += skew_s;
    log_warn("s3 clock differs from the server's by_s=%" PRId64, s3->clock_offset_s);
    return true;
}

/* What is to be done at once; false: nothing was learnt. */
static bool learn(S3 *s3, Verdict verdict, const HttpResult *result)
{
    switch (verdict) {
    case NEW_CLOCK:
        return learn_clock(s3, result);
    case NEW_REGION:
        return learn_region(s3, result) || follow_redirect(s3, result);
    case NEW_KEYS:
        credentials_drop(s3->credentials);
        return true;
    default:
        return false;
    }
}

static ErrCode tell(const S3 *s3, const S3Call *call, Verdict verdict, const HttpResult *result,
                    Str code, Err *err)
{
    Str message = STR("");
    ErrCode rc = verdict == NOT_THERE ? ERR_NOT_FOUND
                 : verdict == AGAIN   ? ERR_UPSTREAM
                                      : ERR_INVALID;
    (void) xml_find(buf_view(&result->body), "Message", &message, NULL);
    return err_set(err, rc, "s3: %s %s/%.*s answered %ld " STR_FMT " %.*s", call->method,
                   s3->bucket, call->key.len < 80 ? (int) call->key.len : 80,
                   call->key.ptr != NULL ? call->key.ptr : "", result->status, STR_ARG(code),
                   message.len < 80 ? (int) message.len : 80, message.ptr);
}

/* ---- all attempts ------------------------------------------------------------------------------ */

/* One attempt, told as it ended: OK, an error for good, or *ret_again with the pause that is due. */
static ErrCode try_once(S3 *s3, const S3Call *call, HttpResult *ret, bool *ret_again,
                        bool *ret_learnt, int64_t *ret_after_s, Err *err)
{
    Str code;
    *ret_again = *ret_learnt = false;
    *ret_after_s = 0;
    if (call->restart != NULL && !call->restart(call->sink_ctx))
        return err_set(err, ERR_STORAGE, "s3: what was begun cannot be begun anew");
    ErrCode rc = attempt(s3, call, ret, err);
    if (rc != OK) {
        *ret_again = rc == ERR_NETWORK || rc == ERR_UPSTREAM; /* the latter of credentials */
        return rc;
    }
    Verdict verdict = judge(s3, ret, &code);
    if (verdict == GOOD)
        return OK;
    *ret_learnt = learn(s3, verdict, ret);
    *ret_again = verdict == AGAIN || *ret_learnt;
    *ret_after_s = ret->retry_after_s;
    rc = tell(s3, call, verdict, ret, code, err);
    http_result_release(ret);
    return rc;
}

ErrCode s3_call(S3 *s3, const S3Call *call, HttpResult *ret_result, Err *err)
{
    s3->redirect[0] = '\0'; /* it holds for one call */
    for (int n = 1;; n++) {
        HttpResult result = {.status = 0};
        bool again = false, learnt = false;
        int64_t after_s = 0;
        ErrCode rc = try_once(s3, call, &result, &again, &learnt, &after_s, err);
        if (rc == OK)
            *ret_result = result;
        if (rc == OK || !again)
            return rc;
        if (n >= s3->options.attempts)
            return err_context(err, "after %d attempts", n);
        if (learnt) /* the same at once */
            continue;
        log_debug("s3 again attempt=%d error=" LOG_TEXT, n, err->text);
        if (!pause_for(s3, pause_ms(s3, n, after_s)))
            return rc;
    }
}
