#include "base/http_client.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct HttpClient {
    HttpClientOptions options;
    CURL *easy; /* keeps its connections between requests */
    _Atomic bool stop;
    HttpTotals totals, most; /* what was, and what is allowed to have been */
    /* the exchange under way */
    bool is_over;
    curl_off_t got;
    int64_t got_at_ms;
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
    client->stop = true;
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

typedef struct Receiving {
    HttpClient *client;
    HttpResult *result;
} Receiving;

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    const Receiving *receiving = ctx;
    HttpClient *client = receiving->client;
    HttpResult *result = receiving->result;
    curl_off_t got = 0;
    if (result->first_byte_us == 0)
        result->first_byte_us = clock_elapsed_us();
    buf_put(&result->body, bytes, size * count);
    curl_easy_getinfo(client->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    client->is_over = client->totals.wire_bytes + got > client->most.wire_bytes;
    return result->body.error == OK && !client->is_over ? size * count : 0; /* short: it gives up */
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
    HttpResult *result = ctx;
    Str text = {line, size * count};
    Str name, value;
    if (str_starts(text, STR("HTTP/"))) { /* a new head: what a redirect said does not count */
        result->content_type[0] = result->last_modified[0] = result->etag[0] = '\0';
        result->date = NO_TIME;
        result->age_s = result->retry_after_s = 0;
    }
    if (!str_cut(text, ':', &name, &value))
        return text.len;
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
                       UNUSED curl_off_t to_put, UNUSED curl_off_t put)
{
    HttpClient *client = ctx;
    int64_t now_ms = clock_elapsed_ms();
    if (got != client->got) {
        client->got = got;
        client->got_at_ms = now_ms;
    }
    client->stalled = now_ms - client->got_at_ms > client->options.stall_ms;
    return client->stop || client->stalled ? 1 : 0;
}

/* ---- one exchange ------------------------------------------------------------------------------ */

static ErrCode explain(const HttpClient *client, CURLcode code, const HttpResult *result, Err *err)
{
    const char *text = client->curl_text[0] != '\0' ? client->curl_text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        if (client->is_over && !client->stop)
            return err_set(err, ERR_BUSY, "the budget of upstream requests is spent");
        if (client->stalled && !client->stop)
            return err_set(err, ERR_NETWORK, "no byte came for %" PRId64 " ms",
                           client->options.stall_ms);
        return err_set(err, ERR_STOPPED, "asked to stop");
    case CURLE_WRITE_ERROR:
        if (client->is_over)
            return err_set(err, ERR_BUSY, "the budget of upstream bytes is spent");
        if (buf_check(&result->body, err) != OK)
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

static void set_options(const char *url, struct curl_slist *headers, Receiving *receiving)
{
    HttpClient *client = receiving->client;
    const HttpClientOptions *o = &client->options;
    CURL *easy = client->easy;
    curl_easy_reset(easy); /* keeps connections, name cache and TLS sessions */
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) o->deadline_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) o->connect_ms);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, o->max_redirects);
    curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 2L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->curl_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, receiving->result);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, receiving);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client);
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[256];
    if (value == NULL || value[0] == '\0')
        return true;
    (void) snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool is_spent(const HttpClient *client)
{
    return client->totals.requests >= client->most.requests ||
           client->totals.wire_bytes >= client->most.wire_bytes;
}

ErrCode http_get(HttpClient *client, const char *url, const char *last_modified, const char *etag,
                 HttpResult *ret_result, Err *err)
{
    HttpResult result = {.body = buf_init(client->options.max_body_bytes), .date = NO_TIME};
    struct curl_slist *headers = NULL;
    ErrCode rc = OK;
    if (client->stop)
        return err_set(err, ERR_STOPPED, "asked to stop");
    if (is_spent(client))
        return err_set(err, ERR_BUSY, "the budget of upstream requests is spent");
    if (!add_header(&headers, "Accept", "application/json") ||
        !add_header(&headers, "If-Modified-Since", last_modified) ||
        !add_header(&headers, "If-None-Match", etag)) {
        curl_slist_free_all(headers);
        return err_set(err, ERR_NO_MEMORY, "no memory for request headers");
    }
    client->curl_text[0] = '\0';
    client->got = 0;
    client->got_at_ms = clock_elapsed_ms();
    client->stalled = client->is_over = false;
    Receiving receiving = {.client = client, .result = &result};
    int64_t requests = client->totals.requests;
    curl_off_t wire_bytes = 0;
    set_options(url, headers, &receiving);
    CURLcode code = curl_easy_perform(client->easy);
    curl_easy_getinfo(client->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);
    client->totals.wire_bytes += wire_bytes;
    if (client->totals.requests == requests) /* no connection: it was asked for all the same */
        client->totals.requests++;
    if (code == CURLE_OK) {
        curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &result.status);
        result.wire_bytes = (uint64_t) wire_bytes;
        if (result.first_byte_us == 0)
            result.first_byte_us = clock_elapsed_us();
        *ret_result = result;
    } else {
        rc = explain(client, code, &result, err);
        http_result_release(&result);
    }
    curl_slist_free_all(headers);
    return rc;
}
