#include "base/http_client.h"

#include "base/clock.h"
#include "base/until.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct HttpClient {
    HttpClientOptions options;
    CURL *easy; /* keeps its connections between requests */
    Until until;
    HttpTotals totals, most; /* what was, and what is allowed to have been */
    /* the exchange under way */
    bool is_over;
    const HttpRequest *request; /* NULL: that of http_get() */
    HttpResult *result;
    int64_t sent; /* bytes of the request's body */
    bool sink_gave_up, unreadable;
    Err spool_err;    /* OK, or why the body could not be kept on disk */
    curl_off_t moved; /* bytes, both ways */
    int64_t moved_at_ms;
    bool stalled;
    char curl_text[CURL_ERROR_SIZE];
};

static void init_curl(void)
{
    (void) curl_global_init(CURL_GLOBAL_DEFAULT);
}

ErrCode http_client_open(const HttpClientOptions *options, HttpClient **ret_client, Err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, init_curl);
    HttpClient *client = calloc(1, sizeof *client);
    if (client == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for an HTTP client");
    client->options = *options;
    until_init(&client->until);
    client->most = (HttpTotals){INT64_MAX, INT64_MAX};
    client->easy = curl_easy_init();
    if (client->easy == NULL) {
        free(client);
        return err_set(err, ERR_NO_MEMORY, "libcurl does not start");
    }
    *ret_client = client;
    return OK;
}

void http_client_close(HttpClient *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->easy);
    free(client);
}

void http_client_stop(HttpClient *client)
{
    until_set(&client->until, 0);
}

void http_client_stop_at(HttpClient *client, int64_t at_ms)
{
    until_set(&client->until, at_ms);
}

HttpTotals http_client_totals(const HttpClient *client)
{
    return client->totals;
}

void http_client_allow(HttpClient *client, int64_t requests, int64_t wire_bytes)
{
    const HttpTotals *totals = &client->totals;
    client->most = (HttpTotals){totals->requests + requests, totals->wire_bytes + wire_bytes};
}

void http_result_release(HttpResult *result)
{
    buf_release(&result->body);
    buf_release(&result->head);
    text_file_release(&result->text);
}

Str http_body(const HttpResult *result)
{
    return result->text.map != NULL ? text_file_view(&result->text) : buf_view(&result->body);
}

HttpResult http_result_take(HttpResult *result)
{
    HttpResult taken = *result;
    result->body = buf_init(taken.body.max);
    result->head = buf_init(taken.head.max);
    result->text = (TextFile){.is_open = false};
    return taken;
}

void http_put_encoded(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.ptr[i];
        bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
        if (unreserved)
            buf_put_char(out, (char) c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* ---- what libcurl calls ------------------------------------------------------------------------ */

/* A sink is for what was asked for, not for the text of an error. */
static bool is_for_sink(const HttpClient *client)
{
    long status = 0;
    if (client->request == NULL || client->request->sink == NULL)
        return false;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

enum { HELD_MAX_BYTES = 4 << 20 }; /* of a body, in memory, where there is a disk to go to */

/* False: it is too large, or there is no room for it. */
static bool keep_body(HttpClient *client, Str bytes)
{
    HttpResult *result = client->result;
    bool is_large = result->text.is_open || result->body.len + bytes.len > HELD_MAX_BYTES;
    if (client->options.spool_dir != NULL && is_large)
        return text_file_go_on(&result->text, client->options.spool_dir, &result->body, bytes,
                               &client->spool_err) == OK;
    buf_put(&result->body, bytes.ptr, bytes.len);
    return result->body.error == OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    HttpClient *client = ctx;
    HttpResult *result = client->result;
    size_t len = size * count;
    if (result->first_byte_us == 0)
        result->first_byte_us = clock_elapsed_us();
    if (is_for_sink(client)) {
        client->sink_gave_up = !client->request->sink((Str){bytes, len}, client->request->sink_ctx);
        return client->sink_gave_up ? 0 : len;
    }
    bool kept = keep_body(client, (Str){bytes, len});
    curl_off_t got = 0;
    curl_easy_getinfo(client->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    client->is_over = client->totals.wire_bytes + got > client->most.wire_bytes;
    return kept && !client->is_over ? len : 0; /* short: libcurl gives up */
}

static int64_t body_bytes(const HttpRequest *request)
{
    return str_is_none(request->body) ? request->body_bytes : (int64_t) request->body.len;
}

static size_t on_send(char *to, size_t size, size_t count, void *ctx)
{
    HttpClient *client = ctx;
    const HttpRequest *request = client->request;
    int64_t left = body_bytes(request) - client->sent;
    size_t len = size * count;
    if (left < (int64_t) len)
        len = (size_t) left;
    if (!str_is_none(request->body)) {
        memcpy(to, request->body.ptr + client->sent, len);
    } else if (len > 0) {
        ssize_t got = pread(request->body_fd, to, len, request->body_at + client->sent);
        client->unreadable = got <= 0; /* shorter than was said is as bad */
        if (client->unreadable)
            return CURL_READFUNC_ABORT;
        len = (size_t) got;
    }
    client->sent += (int64_t) len;
    return len;
}

/* libcurl begins anew on another connection, when the one it kept had been closed. */
static int on_rewind(void *ctx, curl_off_t at, int origin)
{
    HttpClient *client = ctx;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    client->sent = at;
    return CURL_SEEKFUNC_OK;
}

static void keep_text(char *to, size_t to_size, Str value)
{
    size_t len =
        value.len < to_size ? value.len : 0; /* a validator cut short would be a wrong one */
    memcpy(to, value.ptr, len);
    to[len] = '\0';
}

static void keep_content_type(HttpResult *result, Str value)
{
    Str type = value, parameters;
    if (str_cut(value, ';', &type, &parameters))
        type = str_trim(type);
    keep_text(result->content_type, sizeof result->content_type, type);
    for (char *c = result->content_type; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char) (*c - 'A' + 'a');
}

static void keep_retry_after(HttpResult *result, Str value)
{
    UnixSec when = 0;
    int64_t seconds = 0;
    if (str_to_int(value, &seconds) && seconds >= 0)
        result->retry_after_s = seconds;
    else if (clock_parse_http(value, &when) && when > clock_now())
        result->retry_after_s = when - clock_now();
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    HttpClient *client = ctx;
    HttpResult *result = client->result;
    Str text = {line, size * count};
    Str name, value;
    if (str_starts(text, STR("HTTP/"))) { /* a new head: what a redirect said does not count */
        buf_clear(&result->head);
        result->content_type[0] = result->last_modified[0] = result->etag[0] = '\0';
        result->date = NO_TIME;
        result->age_s = result->retry_after_s = 0;
    }
    if (!str_cut(text, ':', &name, &value))
        return text.len;
    if (client->request != NULL)
        buf_put_str(&result->head, text);
    value = str_trim(value);
    if (str_eq_nocase(name, STR("Content-Type")))
        keep_content_type(result, value);
    else if (str_eq_nocase(name, STR("Last-Modified")))
        keep_text(result->last_modified, sizeof result->last_modified, value);
    else if (str_eq_nocase(name, STR("ETag")))
        keep_text(result->etag, sizeof result->etag, value);
    else if (str_eq_nocase(name, STR("Date")))
        (void) clock_parse_http(value, &result->date);
    else if (str_eq_nocase(name, STR("Age")))
        (void) str_to_int(value, &result->age_s);
    else if (str_eq_nocase(name, STR("Retry-After")))
        keep_retry_after(result, value);
    return text.len;
}

/* Called before each request: the first, and those that a redirect or a connection lost unused adds. */
static int on_request(void *ctx, UNUSED char *remote, UNUSED char *local, UNUSED int remote_port,
                      UNUSED int local_port)
{
    HttpClient *client = ctx;
    client->is_over = client->totals.requests >= client->most.requests;
    if (client->is_over)
        return CURL_PREREQFUNC_ABORT;
    client->totals.requests++;
    return CURL_PREREQFUNC_OK;
}

/* Called at least once a second. libcurl's own limit on slowness averages over seconds, so that a body
 * which stops after a quick beginning would be waited for too long. */
static int on_progress(void *ctx, UNUSED curl_off_t to_get, curl_off_t got,
                       UNUSED curl_off_t to_put, curl_off_t put)
{
    HttpClient *client = ctx;
    int64_t now_ms = clock_elapsed_ms();
    if (got + put != client->moved) {
        client->moved = got + put;
        client->moved_at_ms = now_ms;
    }
    client->stalled = now_ms - client->moved_at_ms > client->options.stall_ms;
    return until_passed(&client->until) || client->stalled ? 1 : 0;
}

/* ---- one exchange ------------------------------------------------------------------------------ */

static ErrCode explain(const HttpClient *client, CURLcode code, const HttpResult *result, Err *err)
{
    const char *text = client->curl_text[0] != '\0' ? client->curl_text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        if (client->is_over && !until_passed(&client->until))
            return err_set(err, ERR_BUSY, "the budget of upstream requests is spent");
        if (client->unreadable)
            return err_set(err, ERR_STORAGE, "what is to be sent cannot be read");
        if (client->stalled && !until_passed(&client->until))
            return err_set(err, ERR_NETWORK, "no byte came for %" PRId64 " ms",
                           client->options.stall_ms);
        return err_set(err, ERR_STOPPED, "asked to stop");
    case CURLE_WRITE_ERROR:
        if (client->is_over)
            return err_set(err, ERR_BUSY, "the budget of upstream bytes is spent");
        if (client->sink_gave_up)
            return err_set(err, ERR_STOPPED, "given up by who asked");
        if (client->spool_err.code != OK)
            *err = client->spool_err;
        if (client->spool_err.code != OK || buf_check(&result->body, err) != OK)
            return err_context(err, "body");
        return err_set(err, ERR_FORMAT, "body: %s", text);
    case CURLE_BAD_CONTENT_ENCODING:
        return err_set(err, ERR_FORMAT, "body does not decode: %s", text);
    case CURLE_OUT_OF_MEMORY:
        return err_set(err, ERR_NO_MEMORY, "libcurl: %s", text);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        /* asked for by us only through a setting that config checks, so: by a redirect */
        return err_set(err, ERR_NETWORK, "led to an address we do not follow: %s", text);
    default:
        return err_set(err, ERR_NETWORK, "%s", text);
    }
}

/* What every exchange has. Keeps connections, name cache and TLS sessions of the last. */
static void set_common(HttpClient *client, const char *url, struct curl_slist *headers)
{
    const HttpClientOptions *o = &client->options;
    CURL *easy = client->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) o->deadline_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) o->connect_ms);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 2L);
    if (o->no_proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->curl_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client);
}

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a request");
}

/* Whatever its length: a session token has a thousand bytes and more. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    CLEANUP(buf_release) Buf line = buf_init(64 * 1024);
    if (value == NULL || value[0] == '\0')
        return true;
    buf_printf(&line, "%s: %s", name, value);
    buf_put_char(&line, '\0');
    struct curl_slist *longer = line.error == OK ? curl_slist_append(*list, line.ptr) : NULL;
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static void headers_releasep(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

/* With its options set. The result is empty again when it fails. */
static ErrCode perform(HttpClient *client, Err *err)
{
    HttpResult *result = client->result;
    int64_t requests = client->totals.requests;
    curl_off_t wire_bytes = 0;
    CURLcode code = curl_easy_perform(client->easy);
    curl_easy_getinfo(client->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);
    client->totals.wire_bytes += wire_bytes;
    if (client->totals.requests == requests) /* no connection: it was asked for all the same */
        client->totals.requests++;
    ErrCode rc = code != CURLE_OK       ? explain(client, code, result, err)
                 : result->text.is_open ? text_file_map(&result->text, err)
                                        : OK;
    if (rc != OK) {
        http_result_release(result);
        return rc;
    }
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &result->status);
    result->wire_bytes = (uint64_t) wire_bytes;
    if (result->first_byte_us == 0)
        result->first_byte_us = clock_elapsed_us();
    return OK;
}

enum { HEAD_MAX_BYTES = 256 * 1024 };

static void begin(HttpClient *client, const HttpRequest *request, HttpResult *result)
{
    *result = (HttpResult){.body = buf_init(client->options.max_body_bytes),
                           .head = buf_init(HEAD_MAX_BYTES),
                           .date = NO_TIME};
    client->request = request;
    client->result = result;
    client->sent = 0;
    client->sink_gave_up = client->unreadable = client->stalled = client->is_over = false;
    client->moved = 0;
    client->moved_at_ms = clock_elapsed_ms();
    client->curl_text[0] = '\0';
    client->spool_err.code = OK;
}

static bool is_spent(const HttpClient *client)
{
    return client->totals.requests >= client->most.requests ||
           client->totals.wire_bytes >= client->most.wire_bytes;
}

ErrCode http_get(HttpClient *client, const char *url, const char *last_modified, const char *etag,
                 HttpResult *ret_result, Err *err)
{
    CLEANUP(headers_releasep) struct curl_slist *headers = NULL;
    HttpResult result;
    CURL *easy = client->easy;
    if (until_passed(&client->until))
        return err_set(err, ERR_STOPPED, "asked to stop");
    if (is_spent(client))
        return err_set(err, ERR_BUSY, "the budget of upstream requests is spent");
    if (!add_header(&headers, "Accept", "application/json") ||
        !add_header(&headers, "If-Modified-Since", last_modified) ||
        !add_header(&headers, "If-None-Match", etag))
        return no_memory(err);
    begin(client, NULL, &result);
    set_common(client, url, headers);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, client->options.max_redirects);
    ErrCode rc = perform(client, err);
    if (rc == OK)
        *ret_result = result;
    return rc;
}

/* ---- requests of every kind ---------------------------------------------------------------------- */

Str http_result_field(const HttpResult *result, const char *name)
{
    Str rest = buf_view(&result->head), line, key, value;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_cut(line, ':', &key, &value) && str_eq_nocase(key, str_of(name)))
            return str_trim(value);
    return STR_NONE;
}

static void put_path(Buf *url, Str path)
{
    Str segment, rest = path;
    while (str_cut(rest, '/', &segment, &rest)) {
        http_put_encoded(url, segment);
        buf_put_char(url, '/');
    }
    http_put_encoded(url, rest);
}

/* "name=value" of each, also where the value is empty. */
typedef struct Encoded {
    Buf text;
} Encoded;

static int compare_encoded(const void *a, const void *b)
{
    const Encoded *one = a, *other = b;
    return str_cmp(buf_view(&one->text), buf_view(&other->text));
}

enum { QUERY_MAX = 8 };

/* Sorted after encoding. `=` stands behind every name, and sorts before all that encoding leaves in a
 * name but `-` and `.`, and digits: of our queries no name begins with another. */
static void put_query(Buf *out, const HttpRequest *request)
{
    Encoded pairs[QUERY_MAX];
    size_t count = request->query_count;
    assert(count <= QUERY_MAX);
    for (size_t i = 0; i < count; i++) {
        pairs[i].text = buf_init(64 * 1024);
        http_put_encoded(&pairs[i].text, str_of(request->query[i].name));
        buf_put_char(&pairs[i].text, '=');
        http_put_encoded(&pairs[i].text, str_of(request->query[i].value));
        if (pairs[i].text.error != OK)
            out->error = pairs[i].text.error;
    }
    if (count > 0)
        qsort(pairs, count, sizeof pairs[0], compare_encoded);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, '&');
        buf_put_str(out, buf_view(&pairs[i].text));
        buf_release(&pairs[i].text);
    }
}

/* What is signed: the headers, and what signing adds to them. */
typedef struct Signed {
    HttpPair headers[SIGV4_HEADERS_MAX];
    size_t count;
    char date[SIGV4_DATE_SIZE];
} Signed;

static void add_signed(Signed *all, const char *name, const char *value)
{
    assert(all->count < SIGV4_HEADERS_MAX);
    if (value != NULL && value[0] != '\0')
        all->headers[all->count++] = (HttpPair){name, value};
}

static const char *host_of(const char *origin)
{
    const char *host = strstr(origin, "://");
    return host != NULL ? host + strlen("://") : origin;
}

/* host is sent as it is signed, and not as libcurl would write it. */
static void gather_headers(const HttpRequest *request, Signed *all)
{
    const HttpSigning *signing = request->signing;
    for (size_t i = 0; i < request->header_count; i++)
        add_signed(all, request->headers[i].name, request->headers[i].value);
    if (signing == NULL)
        return;
    sigv4_date(signing->with.at, all->date);
    add_signed(all, "host", host_of(request->origin));
    add_signed(all, "x-amz-date", all->date);
    add_signed(all, "x-amz-security-token", signing->token);
    if (signing->says_digest)
        add_signed(all, "x-amz-content-sha256", signing->with.body_sha256);
}

static bool add_headers(const HttpRequest *request, Str path, Str query,
                        struct curl_slist **headers)
{
    CLEANUP(buf_release) Buf authorization = buf_init(16 * 1024);
    Signed all = {.count = 0};
    gather_headers(request, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!add_header(headers, all.headers[i].name, all.headers[i].value))
            return false;
    if (request->signing == NULL)
        return true;
    sigv4_authorization(&request->signing->with, request->method, path, query, all.headers,
                        all.count, &authorization);
    buf_put_char(&authorization, '\0');
    return authorization.error == OK && add_header(headers, "authorization", authorization.ptr);
}

static void set_method(HttpClient *client, const HttpRequest *request)
{
    CURL *easy = client->easy;
    Str method = str_of(request->method);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    if (str_eq(method, STR("PUT"))) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, client);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, client);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) body_bytes(request));
    } else if (str_eq(method, STR("POST"))) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    } else if (str_eq(method, STR("HEAD"))) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!str_eq(method, STR("GET"))) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

ErrCode http_send(HttpClient *client, const HttpRequest *request, HttpResult *ret_result, Err *err)
{
    CLEANUP(headers_releasep) struct curl_slist *headers = NULL;
    CLEANUP(buf_release) Buf path = buf_init(16 * 1024);
    CLEANUP(buf_release) Buf query = buf_init(64 * 1024);
    CLEANUP(buf_release) Buf url = buf_init(96 * 1024);
    HttpResult result;
    if (until_passed(&client->until))
        return err_set(err, ERR_STOPPED, "asked to stop");
    put_path(&path, request->path);
    put_query(&query, request);
    buf_printf(&url, "%s" STR_FMT "%s" STR_FMT, request->origin, STR_ARG(buf_view(&path)),
               query.len > 0 ? "?" : "", STR_ARG(buf_view(&query)));
    buf_put_char(&url, '\0');
    if (path.error != OK || query.error != OK || url.error != OK ||
        !add_headers(request, buf_view(&path), buf_view(&query), &headers))
        return no_memory(err);
    begin(client, request, &result);
    set_common(client, url.ptr, headers);
    set_method(client, request);
    ErrCode rc = perform(client, err);
    if (rc == OK)
        *ret_result = result;
    return rc;
}
