#include "tests/s3_server.h"

#include "base/clock.h"
#include "tests/s3_signature.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- answers --------------------------------------------------------------------------------- */

static void fail(LoopbackReply *reply, int status, const char *code)
{
    reply->status = status;
    buf_clear(&reply->body);
    buf_printf(&reply->body,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
               "<Message>as told</Message></Error>",
               code);
}

static UnixSec amz_time(Str text)
{
    char rfc[32];
    UnixSec time = NO_TIME;
    if (text.len != 16)
        return NO_TIME;
    (void) snprintf(rfc, sizeof rfc, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text.ptr, text.ptr + 4,
                    text.ptr + 6, text.ptr + 9, text.ptr + 11, text.ptr + 13);
    return clock_parse(str_of(rfc), &time) ? time : NO_TIME;
}

static bool check_place(S3Server *server, const S3Claim *claim, LoopbackReply *reply)
{
    if (str_eq(claim->region, str_of(server->region)))
        return true;
    fail(reply, server->redirects ? 301 : 400,
         server->redirects ? "PermanentRedirect" : "AuthorizationHeaderMalformed");
    if (server->redirects)
        buf_printf(&reply->fields, "x-amz-bucket-region: %s\r\n", server->region);
    reply->body.len -= strlen("</Error>");
    buf_printf(&reply->body, "<Region>%s</Region></Error>", server->region);
    return false;
}

/* Whether the request may be answered; the reply says why not. */
static bool check_signature(S3Server *server, const LoopbackRequest *request, LoopbackReply *reply)
{
    CLEANUP(buf_release) Buf body_digest = buf_init(100);
    S3Claim claim;
    Str token = loopback_field(request, "x-amz-security-token"),
        digest = loopback_field(request, "x-amz-content-sha256");
    UnixSec at = amz_time(loopback_field(request, "x-amz-date"));
    if (!s3_claim_read(request, &claim) || at == NO_TIME) {
        fail(reply, 400, "AuthorizationHeaderIncomplete");
        return false;
    }
    if (!check_place(server, &claim, reply))
        return false;
    int64_t skew_s = at - clock_now() - server->clock_offset_s;
    if (skew_s > 900 || skew_s < -900) {
        fail(reply, 403, "RequestTimeTooSkewed");
        return false;
    }
    if (server->token == NULL ? !str_is_none(token) : !str_eq(token, str_of(server->token))) {
        fail(reply, 400, server->expired_tokens-- > 0 ? "ExpiredToken" : "InvalidToken");
        return false;
    }
    if (!str_eq(claim.access_key, str_of(server->access_key)) ||
        !str_eq(claim.service, STR("s3")) || !s3_claim_holds(request, &claim, server->secret_key)) {
        server->refused_signatures++;
        fail(reply, 403, "SignatureDoesNotMatch");
        return false;
    }
    s3_put_hex_digest(&body_digest, request->body);
    if (!str_eq(buf_view(&body_digest), digest)) {
        fail(reply, 400, "XAmzContentSHA256Mismatch");
        return false;
    }
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

static S3Object *find(S3Server *server, const char *key, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < server->object_count; ++*ret_at) {
        int order = strcmp(server->objects[*ret_at].key, key);
        if (order == 0)
            return &server->objects[*ret_at];
        if (order > 0)
            break;
    }
    return NULL;
}

static S3Object begin_object(const LoopbackRequest *request, const char *key)
{
    S3Object object = {.bytes = buf_init(256 << 20), .modified = clock_now()};
    Str class = loopback_field(request, "x-amz-storage-class");
    (void) snprintf(object.key, sizeof object.key, "%s", key);
    (void) snprintf(object.content_type, sizeof object.content_type, STR_FMT,
                    STR_ARG(loopback_field(request, "Content-Type")));
    (void) snprintf(object.storage_class, sizeof object.storage_class, STR_FMT,
                    STR_ARG(str_is_none(class) ? STR("STANDARD") : class));
    (void) snprintf(object.sha256, sizeof object.sha256, STR_FMT,
                    STR_ARG(loopback_field(request, "x-amz-meta-sha256")));
    return object;
}

static void keep_object(S3Server *server, const S3Object *object)
{
    size_t at;
    S3Object *old = find(server, object->key, &at);
    if (old != NULL) {
        buf_release(&old->bytes);
        *old = *object;
        return;
    }
    REQUIRE(server->object_count < S3_OBJECTS_MAX);
    memmove(&server->objects[at + 1], &server->objects[at],
            (server->object_count - at) * sizeof server->objects[0]);
    server->objects[at] = *object;
    server->object_count++;
}

static void put(S3Server *server, const LoopbackRequest *request, const char *key,
                LoopbackReply *reply)
{
    static const char *const CLASSES[] = {"STANDARD", "STANDARD_IA", "GLACIER_IR", "DEEP_ARCHIVE"};
    S3Object object = begin_object(request, key);
    bool known = false;
    for (size_t i = 0; i < countof(CLASSES); i++)
        known = known || strcmp(object.storage_class, CLASSES[i]) == 0;
    if (!known) {
        fail(reply, 400, "InvalidStorageClass");
        return;
    }
    buf_put_str(&object.bytes, request->body);
    keep_object(server, &object);
    BUF_LITERAL(&reply->fields, "ETag: \"of-a-put\"\r\n");
}

static void get(S3Server *server, const char *key, LoopbackReply *reply)
{
    size_t at;
    const S3Object *object = find(server, key, &at);
    if (object == NULL) {
        fail(reply, 404, "NoSuchKey");
        return;
    }
    buf_put_str(&reply->body, buf_view(&object->bytes));
    if (object->sha256[0] != '\0')
        buf_printf(&reply->fields, "x-amz-meta-sha256: %s\r\n", object->sha256);
    if (object->bytes.len > 10 && server->cut_bodies > 0) {
        server->cut_bodies--;
        reply->cut_at = (int64_t) object->bytes.len / 2;
    }
    if (object->bytes.len > 0 && server->damaged_bodies > 0) {
        server->damaged_bodies--;
        reply->body.ptr[object->bytes.len / 2] ^= 1;
    }
}

static void remove_object(S3Server *server, const char *key, LoopbackReply *reply)
{
    size_t at;
    S3Object *object = find(server, key, &at);
    reply->status = 204;
    if (object == NULL)
        return;
    buf_release(&object->bytes);
    server->object_count--;
    memmove(object, object + 1, (server->object_count - at) * sizeof *object);
}

/* ---- queries --------------------------------------------------------------------------------- */

static bool parameter(const LoopbackRequest *request, const char *name, char *ret, size_t size)
{
    Str pair, key, value, rest = request->query;
    while (rest.len > 0) {
        CLEANUP(buf_release) Buf decoded = buf_init(8192);
        if (!str_cut(rest, '&', &pair, &rest)) {
            pair = rest;
            rest = STR("");
        }
        if (!str_cut(pair, '=', &key, &value) || !str_eq(key, str_of(name)))
            continue;
        (void) s3_put_decoded(&decoded, value);
        (void) snprintf(ret, size, STR_FMT, STR_ARG(buf_view(&decoded)));
        return true;
    }
    return false;
}

static void put_escaped(Buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '&')
            BUF_LITERAL(out, "&amp;");
        else if (*text == '<')
            BUF_LITERAL(out, "&lt;");
        else if (*text == '\'')
            BUF_LITERAL(out, "&#39;");
        else
            buf_put_char(out, *text);
    }
}

/* The token is the place of the first object of the page. */
static void list(S3Server *server, const LoopbackRequest *request, LoopbackReply *reply)
{
    char prefix[1100] = "", token[32] = "0", most[32] = "1000";
    (void) parameter(request, "prefix", prefix, sizeof prefix);
    (void) parameter(request, "continuation-token", token, sizeof token);
    (void) parameter(request, "max-keys", most, sizeof most);
    long left = strtol(most, NULL, 10);
    size_t at = (size_t) strtol(token, NULL, 10);
    if (left > server->list_page_max)
        left = server->list_page_max;
    BUF_LITERAL(&reply->body, "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"s3\">");
    for (; at < server->object_count && left > 0; at++) {
        const S3Object *object = &server->objects[at];
        char modified[CLOCK_TEXT_SIZE];
        if (!str_starts(str_of(object->key), str_of(prefix)))
            continue;
        clock_format(object->modified, modified);
        BUF_LITERAL(&reply->body, "<Contents><Key>");
        put_escaped(&reply->body, object->key);
        buf_printf(&reply->body,
                   "</Key><LastModified>%.19s.000Z</LastModified><Size>%zu</Size></Contents>",
                   modified, object->bytes.len);
        left--;
    }
    if (at < server->object_count)
        buf_printf(&reply->body,
                   "<IsTruncated>true</IsTruncated>"
                   "<NextContinuationToken>%zu</NextContinuationToken>",
                   at);
    else
        BUF_LITERAL(&reply->body, "<IsTruncated>false</IsTruncated>");
    BUF_LITERAL(&reply->body, "</ListBucketResult>");
}

/* ---- uploads in parts ------------------------------------------------------------------------ */

static void begin_upload(S3Server *server, const LoopbackRequest *request, const char *key,
                         LoopbackReply *reply)
{
    for (size_t i = 0; i < S3_UPLOADS_MAX; i++) {
        S3Upload *upload = &server->uploads[i];
        if (upload->open)
            continue;
        *upload = (S3Upload){.open = true, .object = begin_object(request, key)};
        for (size_t part = 0; part < S3_PARTS_MAX; part++)
            upload->parts[part] = buf_init(64 << 20);
        buf_printf(&reply->body,
                   "<InitiateMultipartUploadResult><UploadId>up+load/%zu</UploadId>"
                   "</InitiateMultipartUploadResult>",
                   i);
        return;
    }
    fail(reply, 503, "SlowDown");
}

/* By their place in the table, which serves as both markers. */
static void list_uploads(S3Server *server, const LoopbackRequest *request, LoopbackReply *reply)
{
    char prefix[1100] = "", marker[64] = "", most[32] = "1000";
    (void) parameter(request, "prefix", prefix, sizeof prefix);
    (void) parameter(request, "upload-id-marker", marker, sizeof marker);
    (void) parameter(request, "max-uploads", most, sizeof most);
    long left = strtol(most, NULL, 10);
    size_t at = marker[0] != '\0' ? (size_t) (marker[strlen(marker) - 1] - '0') + 1 : 0;
    BUF_LITERAL(&reply->body, "<?xml version=\"1.0\"?><ListMultipartUploadsResult xmlns=\"s3\">");
    for (; at < S3_UPLOADS_MAX && left > 0; at++) {
        const S3Upload *upload = &server->uploads[at];
        char begun[CLOCK_TEXT_SIZE];
        if (!upload->open || !str_starts(str_of(upload->object.key), str_of(prefix)))
            continue;
        clock_format(upload->object.modified, begun);
        BUF_LITERAL(&reply->body, "<Upload><Key>");
        put_escaped(&reply->body, upload->object.key);
        buf_printf(&reply->body,
                   "</Key><UploadId>up+load/%zu</UploadId><Initiated>%.19s.000Z</Initiated>"
                   "</Upload>",
                   at, begun);
        left--;
    }
    if (at < S3_UPLOADS_MAX)
        buf_printf(&reply->body,
                   "<IsTruncated>true</IsTruncated><NextKeyMarker>x</NextKeyMarker>"
                   "<NextUploadIdMarker>up+load/%zu</NextUploadIdMarker>",
                   at - 1);
    else
        BUF_LITERAL(&reply->body, "<IsTruncated>false</IsTruncated>");
    BUF_LITERAL(&reply->body, "</ListMultipartUploadsResult>");
}

static S3Upload *find_upload(S3Server *server, const char *id, const char *key)
{
    size_t at = id[0] != '\0' ? (size_t) (id[strlen(id) - 1] - '0') : S3_UPLOADS_MAX;
    bool ok = str_starts(str_of(id), STR("up+load/")) && at < S3_UPLOADS_MAX &&
              server->uploads[at].open && strcmp(server->uploads[at].object.key, key) == 0;
    return ok ? &server->uploads[at] : NULL;
}

static void end_upload(S3Upload *upload)
{
    upload->open = false;
    for (size_t part = 0; part < S3_PARTS_MAX; part++)
        buf_release(&upload->parts[part]);
}

/* Parts named in order, each of which came. */
static bool join_parts(S3Upload *upload, Str body)
{
    int64_t number = 0;
    for (int64_t want = 1;; want++) {
        size_t at = 0;
        char mark[100];
        (void) snprintf(mark, sizeof mark, "<PartNumber>%d</PartNumber><ETag>\"part-%d\"</ETag>",
                        (int) want, (int) want);
        if (!str_find(body, str_of(mark), &at))
            break;
        if (want >= S3_PARTS_MAX || upload->parts[want].len == 0)
            return false;
        buf_put_str(&upload->object.bytes, buf_view(&upload->parts[want]));
        number = want;
    }
    return number > 0;
}

static void complete(S3Server *server, S3Upload *upload, Str body, LoopbackReply *reply)
{
    if (server->late_errors > 0) {
        server->late_errors--;
        fail(reply, 200, "InternalError");
        return;
    }
    if (!join_parts(upload, body)) {
        fail(reply, 400, "InvalidPart");
        return;
    }
    keep_object(server, &upload->object);
    end_upload(upload);
    BUF_LITERAL(&reply->body, "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag>"
                              "</CompleteMultipartUploadResult>");
    if (server->lost_completions > 0) {
        server->lost_completions--;
        reply->no_answer = true;
    }
}

static void answer_upload(S3Server *server, const LoopbackRequest *request, const char *key,
                          const char *id, LoopbackReply *reply)
{
    char number[16] = "0";
    S3Upload *upload = find_upload(server, id, key);
    if (upload == NULL) {
        fail(reply, 404, "NoSuchUpload");
        return;
    }
    if (str_eq(request->method, STR("DELETE"))) {
        buf_release(&upload->object.bytes);
        end_upload(upload);
        reply->status = 204;
    } else if (str_eq(request->method, STR("POST"))) {
        complete(server, upload, request->body, reply);
    } else {
        (void) parameter(request, "partNumber", number, sizeof number);
        long part = strtol(number, NULL, 10);
        REQUIRE(part > 0 && part < S3_PARTS_MAX);
        buf_clear(&upload->parts[part]);
        buf_put_str(&upload->parts[part], request->body);
        buf_printf(&reply->fields, "ETag: \"part-%ld\"\r\n", part);
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The key; false: another bucket. "" is the bucket itself. */
static bool find_key(const S3Server *server, const LoopbackRequest *request, char key[static 1100])
{
    CLEANUP(buf_release) Buf decoded = buf_init(8192);
    char host[200];
    (void) s3_put_decoded(&decoded, request->path);
    Str path = buf_view(&decoded), bucket;
    path = (Str){path.ptr + 1, path.len - 1};
    (void) snprintf(host, sizeof host, "%s.", server->bucket);
    if (server->host_style) {
        if (!str_starts(loopback_field(request, "Host"), str_of(host)))
            return false;
    } else {
        Str whole = path;
        if (!str_cut(whole, '/', &bucket, &path)) {
            bucket = whole;
            path = STR("");
        }
        if (!str_eq(bucket, str_of(server->bucket)))
            return false;
    }
    (void) snprintf(key, 1100, STR_FMT, STR_ARG(path));
    return true;
}

static bool plays_a_fault(S3Server *server, const LoopbackRequest *request, LoopbackReply *reply)
{
    if (server->redirects_to != NULL) {
        fail(reply, 307, "TemporaryRedirect");
        buf_printf(&reply->fields, "Location: %s" STR_FMT "\r\n", server->redirects_to,
                   STR_ARG(request->target));
        return true;
    }
    if (server->no_answers > 0) {
        server->no_answers--;
        reply->no_answer = true;
        return true;
    }
    if (server->slow_downs > 0) {
        server->slow_downs--;
        fail(reply, 503, "SlowDown");
        if (server->retry_after_s > 0)
            buf_printf(&reply->fields, "Retry-After: %d\r\n", server->retry_after_s);
        return true;
    }
    if (server->server_errors > 0) {
        server->server_errors--;
        fail(reply, 500, "InternalError");
        return true;
    }
    return false;
}

static void answer_object(S3Server *server, const LoopbackRequest *request, const char *key,
                          LoopbackReply *reply)
{
    char id[64];
    if (parameter(request, "uploadId", id, sizeof id))
        answer_upload(server, request, key, id, reply);
    else if (str_eq(request->method, STR("POST")))
        begin_upload(server, request, key, reply);
    else if (str_eq(request->method, STR("PUT")))
        put(server, request, key, reply);
    else if (str_eq(request->method, STR("DELETE")))
        remove_object(server, key, reply);
    else
        get(server, key, reply);
}

/* Bounded, so that a test that fails comes to its end. */
static void hold(S3Server *server, const LoopbackRequest *request)
{
    if (!server->holds || !str_eq(request->method, STR("PUT")))
        return;
    server->held++;
    for (int i = 0; i < 3000 && server->holds; i++)
        (void) usleep(10000);
}

static void answer(const LoopbackRequest *request, LoopbackReply *reply, void *ctx)
{
    S3Server *server = ctx;
    char key[1100] = "";
    size_t at;
    server->requests++;
    hold(server, request);
    reply->date_offset_s = server->clock_offset_s;
    if (plays_a_fault(server, request, reply) || !check_signature(server, request, reply))
        return;
    if (!find_key(server, request, key))
        fail(reply, 404, "NoSuchBucket");
    else if (key[0] != '\0')
        answer_object(server, request, key, reply);
    else if (str_starts(request->query, STR("uploads=")) ||
             str_find(request->query, STR("&uploads="), &at))
        list_uploads(server, request, reply);
    else
        list(server, request, reply);
}

static void release(void *ctx)
{
    S3Server *server = ctx;
    for (size_t i = 0; i < server->object_count; i++)
        buf_release(&server->objects[i].bytes);
    for (size_t i = 0; i < S3_UPLOADS_MAX; i++)
        if (server->uploads[i].open) {
            buf_release(&server->uploads[i].object.bytes);
            end_upload(&server->uploads[i]);
        }
    free(server);
}

S3Server *s3_server_start(void)
{
    S3Server *server = calloc(1, sizeof *server);
    REQUIRE(server != NULL);
    test_defer(release, server); /* after the connections have ended */
    server->access_key = "KEY";
    server->secret_key = "SECRET";
    server->region = "eu-west-2";
    server->bucket = "lake";
    server->list_page_max = 1000;
    server->loopback = loopback_start(answer, server);
    return server;
}

const S3Object *s3_server_find(S3Server *server, const char *key)
{
    size_t at;
    return find(server, key, &at);
}

int s3_server_open_uploads(S3Server *server)
{
    int count = 0;
    for (size_t i = 0; i < S3_UPLOADS_MAX; i++)
        count += server->uploads[i].open;
    return count;
}

/* ---- the environment of a test --------------------------------------------------------------- */

static struct {
    char name[64], value[2048];
} environment[32];
static size_t environment_count;

void s3_env_clear(void)
{
    environment_count = 0;
}

void s3_env_set(const char *name, const char *value)
{
    size_t at = 0;
    while (at < environment_count && strcmp(environment[at].name, name) != 0)
        at++;
    REQUIRE(at < countof(environment));
    (void) snprintf(environment[at].name, sizeof environment[at].name, "%s", name);
    (void) snprintf(environment[at].value, sizeof environment[at].value, "%s", value);
    if (at == environment_count)
        environment_count++;
}

const char *s3_env(const char *name)
{
    for (size_t i = 0; i < environment_count; i++)
        if (strcmp(environment[i].name, name) == 0)
            return environment[i].value;
    return NULL;
}

void s3_env_of(const S3Server *server)
{
    s3_env_clear();
    s3_env_set("AWS_ACCESS_KEY_ID", server->access_key);
    s3_env_set("AWS_SECRET_ACCESS_KEY", server->secret_key);
    s3_env_set("AWS_REGION", server->region);
    s3_env_set("AWS_ENDPOINT_URL_S3", loopback_origin(server->loopback));
}
