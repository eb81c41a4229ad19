#include "sim/http.h"

#include "base/clock.h"
#include "sim/control.h"
#include "sim/simtime.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BASE "/flood-monitoring"

enum {
    CONNECTION_MEMORY_BYTES = 64 * 1024, /* of a request's head */
    UPLOAD_MAX_BYTES = 1 << 20,
    BLOCK_BYTES = 64 * 1024,
    CACHED_S = 300, /* what stands in front of the upstream keeps an answer so long */
};

struct HttpServer {
    Upstream *upstream;
    struct MHD_Daemon *daemon;
};

/* One request, from its first line to its last byte. */
typedef struct Exchange {
    char *target; /* as it was sent: encoded, with its query */
    Buf upload;
    bool head_seen;
} Exchange;

/* ---- bodies ---------------------------------------------------------------------------------- */

typedef struct Body {
    Upstream *upstream;
    Buf bytes;
    size_t at;
    size_t cut_at;      /* SIZE_MAX: not at all */
    int64_t trickle_ms; /* before each byte; 0: none */
    bool endless;
    bool is_data; /* not of /sim/... */
} Body;

static void body_free(void *cls)
{
    Body *body = cls;
    buf_release(&body->bytes);
    free(body);
}

static ssize_t read_blanks(Body *body, char *to, size_t max)
{
    if (!upstream_pause(body->upstream, 1)) /* else a stop would wait for its reader for ever */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memset(to, ' ', max);
    return (ssize_t) max;
}

static ssize_t read_body(void *cls, UNUSED uint64_t position, char *to, size_t max)
{
    Body *body = cls;
    if (body->trickle_ms > 0 && !upstream_pause(body->upstream, body->trickle_ms))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (body->at >= body->cut_at)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = body->bytes.len - body->at;
    if (left == 0)
        return body->endless ? read_blanks(body, to, max) : MHD_CONTENT_READER_END_OF_STREAM;
    size_t len = left < max ? left : max;
    if (body->trickle_ms > 0)
        len = 1;
    if (len > body->cut_at - body->at)
        len = body->cut_at - body->at;
    memcpy(to, body->bytes.ptr + body->at, len);
    body->at += len;
    if (body->is_data) /* before who receives it can ask for the count */
        upstream_count_sent(body->upstream, len);
    return (ssize_t) len;
}

/* Fast rather than small: it must not be what a benchmark measures. */
static bool gzip(const Buf *from, Buf *ret)
{
    enum { WINDOW_GZIP = 15 + 16, LEVEL = 1, MEMORY = 8 };
    z_stream stream = {.next_in = (unsigned char *) from->ptr, .avail_in = (uInt) from->len};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    Buf out = buf_init(ANSWER_MAX_BYTES);
    size_t bound = deflateBound(&stream, from->len);
    char *to = buf_reserve(&out, bound);
    stream.next_out = (unsigned char *) to;
    stream.avail_out = (uInt) bound;
    bool ok = to != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    if (ok)
        buf_grew(&out, stream.total_out);
    (void) deflateEnd(&stream);
    if (!ok)
        buf_release(&out);
    else
        *ret = out;
    return ok;
}

/* ---- one answer ------------------------------------------------------------------------------ */

typedef struct Sending {
    struct MHD_Connection *connection;
    Upstream *upstream;
    Str path, query; /* path: after BASE */
    UnixSec now;
    Release release;
    bool is_head;
    bool is_data; /* not of /sim/... */
    bool has_fault;
    Fault fault;
    bool not_modified;
    Answer answer;
} Sending;

static Str request_header(const Sending *sending, const char *name)
{
    return str_of(MHD_lookup_connection_value(sending->connection, MHD_HEADER_KIND, name));
}

static bool header_has(const Sending *sending, const char *name, Str part)
{
    size_t ignored;
    return str_find(request_header(sending, name), part, &ignored);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void) MHD_add_response_header(response, name, value);
}

static void add_time_header(struct MHD_Response *response, const char *name, UnixSec time)
{
    char text[CLOCK_HTTP_SIZE];
    clock_format_http(time, text);
    add_header(response, name, text);
}

static void add_number_header(struct MHD_Response *response, const char *name, int64_t number)
{
    char text[24];
    (void) snprintf(text, sizeof text, "%lld", (long long) number);
    add_header(response, name, text);
}

static void add_headers(const Sending *sending, struct MHD_Response *response)
{
    const Answer *answer = &sending->answer;
    add_time_header(response, "Date",
                    simtime_date() + upstream_skew_s(sending->upstream, sending->now));
    add_header(response, "Server", "freshet-sim");
    if (answer->content_type != NULL)
        add_header(response, "Content-Type", answer->content_type);
    if (answer->status >= 400 || answer->status == 302)
        return;
    add_header(response, "Access-Control-Allow-Origin", "*");
    add_header(response, "Cache-Control", "no-transform, max-age=300");
    add_header(response, "Vary", "accept");
    add_time_header(response, "Last-Modified", sending->release.last_modified);
    add_number_header(response, "Age", (sending->now - sending->release.time) % CACHED_S);
}

static void add_fault_headers(const Sending *sending, struct MHD_Response *response)
{
    const Fault *fault = &sending->fault;
    if (!sending->has_fault)
        return;
    if (fault->kind == FAULT_STATUS && fault->retry_after_s > 0)
        add_number_header(response, "Retry-After", fault->retry_after_s);
    if (fault->kind != FAULT_REDIRECT)
        return;
    char itself[1024];
    (void) snprintf(itself, sizeof itself, BASE STR_FMT "%s" STR_FMT, STR_ARG(sending->path),
                    sending->query.len > 0 ? "?" : "", STR_ARG(sending->query));
    add_header(response, "Location", fault->to[0] != '\0' ? fault->to : itself);
}

/* The upstream's answers are chunked: their length is not told ahead. Those to HEAD have no chunks.
 */
static struct MHD_Response *make_response(Sending *sending)
{
    Buf *bytes = &sending->answer.body;
    bool is_bare = sending->is_head || sending->not_modified;
    if (is_bare)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    Body *body = calloc(1, sizeof *body);
    if (body == NULL)
        return NULL;
    *body = (Body){.upstream = sending->upstream,
                   .bytes = *bytes,
                   .cut_at = SIZE_MAX,
                   .is_data = sending->is_data};
    *bytes = buf_init(0);
    if (sending->has_fault && sending->fault.kind == FAULT_CUT)
        body->cut_at =
            sending->fault.bytes >= 0 ? (size_t) sending->fault.bytes : body->bytes.len / 2;
    if (sending->has_fault && sending->fault.kind == FAULT_TRICKLE)
        body->trickle_ms = sending->fault.ms;
    body->endless = sending->has_fault && sending->fault.kind == FAULT_ENDLESS;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_body, body,
                                             body_free);
}

static enum MHD_Result send_answer(Sending *sending)
{
    bool is_endless = sending->has_fault && sending->fault.kind == FAULT_ENDLESS;
    bool zipped = false;
    if (header_has(sending, "Accept-Encoding", STR("gzip")) && !is_endless &&
        sending->answer.body.len > 0) {
        Buf small;
        zipped = gzip(&sending->answer.body, &small);
        if (zipped) {
            buf_release(&sending->answer.body);
            sending->answer.body = small;
        }
    }
    struct MHD_Response *response = make_response(sending);
    answer_release(&sending->answer);
    if (response == NULL)
        return MHD_NO;
    add_headers(sending, response);
    add_fault_headers(sending, response);
    if (zipped && !sending->is_head)
        add_header(response, "Content-Encoding", "gzip");
    enum MHD_Result result =
        MHD_queue_response(sending->connection, sending->answer.status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void replace(Answer *answer, unsigned status, const char *content_type, Str text)
{
    answer->status = status;
    answer->content_type = content_type;
    buf_clear(&answer->body);
    buf_put_str(&answer->body, text);
}

/* Those that befall what is answered; the others befall how it is sent. */
static void spoil(const Fault *fault, Answer *answer)
{
    switch (fault->kind) {
    case FAULT_STATUS:
        answer_release(answer);
        *answer = answer_error((unsigned) fault->status);
        break;
    case FAULT_HTML:
        answer_release(answer);
        *answer = answer_error(200);
        break;
    case FAULT_REDIRECT:
        replace(answer, 302, "text/html", STR("<html><body>Found</body></html>\n"));
        break;
    case FAULT_EMPTY:
        replace(answer, 200, "application/json", STR(""));
        break;
    case FAULT_GARBAGE:
        replace(answer, 200, "application/json",
                STR("{ \"items\" : [ { \"@id\" : \"\x01\xff, }}} nonsense"));
        break;
    case FAULT_BROKEN:
        answer->body.len /= 2;
        break;
    case FAULT_ENDLESS: /* the blanks go where the last brackets were */
        while (answer->body.len > 0 && answer->body.ptr[answer->body.len - 1] != ']')
            answer->body.len--;
        break;
    default:
        break;
    }
}

/* ---- serving --------------------------------------------------------------------------------- */

static bool is_unchanged(const Sending *sending)
{
    Str since = request_header(sending, "If-Modified-Since");
    UnixSec time;
    return sending->upstream->gives_304 && !str_is_none(since) && clock_parse_http(since, &time) &&
           time >= sending->release.last_modified;
}

/* What was given once: as old as it was then. */
static void answer_again(Sending *sending, Str target)
{
    const GivenAnswer *given = exchanges_find(sending->upstream->exchanges, target, sending->now);
    if (given == NULL) {
        sending->answer = answer_error(404);
        return;
    }
    bool is_csv = str_ends(given->path, STR(".csv"));
    sending->release = (Release){given->time, given->time};
    sending->answer = (Answer){.status = given->status,
                               .content_type = given->status != 200 ? "text/html; charset=utf-8"
                                               : is_csv             ? "text/csv"
                                                                    : "application/json",
                               .body = buf_init(ANSWER_MAX_BYTES),
                               .route = "recorded"};
    buf_put_str(&sending->answer.body, given->body);
}

/* A connection counts from its first request for data; its context remembers. */
static void count_connection(const Sending *sending)
{
    bool *asks_data =
        MHD_get_connection_info(sending->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
            ->socket_context;
    if (asks_data == NULL || *asks_data)
        return;
    *asks_data = true;
    upstream_count_opened(sending->upstream);
}

static enum MHD_Result serve_data(Sending *sending)
{
    Upstream *upstream = sending->upstream;
    CLEANUP(buf_release) Buf target = buf_init(64 * 1024);
    buf_printf(&target, STR_FMT "%s" STR_FMT, STR_ARG(sending->path),
               sending->query.len > 0 ? "?" : "", STR_ARG(sending->query));
    sending->is_data = true;
    count_connection(sending);
    upstream_count_request(upstream);
    sending->has_fault =
        upstream_take_fault(upstream, buf_view(&target), sending->now, &sending->fault);
    FaultKind kind = sending->has_fault ? sending->fault.kind : FAULT_NONE;
    int64_t wait_ms = upstream_latency_ms(upstream) + (kind == FAULT_SLOW ? sending->fault.ms : 0);
    if ((wait_ms > 0 && !upstream_pause(upstream, wait_ms)) || kind == FAULT_DOWN)
        return MHD_NO;

    if (upstream->exchanges != NULL)
        answer_again(sending, buf_view(&target));
    else
        upstream_answer(upstream, sending->now, sending->release.time, sending->path,
                        sending->query, header_has(sending, "Accept", STR("text/csv")),
                        &sending->answer);
    if (sending->answer.status == 0) {
        answer_release(&sending->answer);
        return MHD_NO;
    }
    bool is_whole = kind == FAULT_NONE || kind == FAULT_SLOW;
    if (is_whole && sending->answer.status == 200 && is_unchanged(sending)) {
        sending->not_modified = true;
        replace(&sending->answer, 304, NULL, STR(""));
    }
    upstream_count(upstream, sending->answer.route, sending->answer.body.len,
                   sending->not_modified);
    spoil(&sending->fault, &sending->answer);
    return send_answer(sending);
}

static Str without_origin(Str target)
{
    size_t at;
    if (!str_starts(target, STR("http://")) ||
        !str_find((Str){target.ptr + 7, target.len - 7}, STR("/"), &at))
        return target;
    return (Str){target.ptr + 7 + at, target.len - 7 - at};
}

static enum MHD_Result serve(HttpServer *server, struct MHD_Connection *connection, Str method,
                             const Exchange *exchange)
{
    UnixSec now = simtime_now();
    Sending sending = {
        .connection = connection,
        .upstream = server->upstream,
        .now = now,
        .release = upstream_release_at(server->upstream, now),
        .is_head = str_eq(method, STR("HEAD")),
    };
    Str target = without_origin(str_of(exchange->target));
    sending.path = target;
    sending.query = STR("");
    (void) str_cut(target, '?', &sending.path, &sending.query);

    bool is_read = str_eq(method, STR("GET")) || sending.is_head;
    if (str_starts(sending.path, STR("/sim/")) || str_eq(sending.path, STR("/truth"))) {
        control_answer(sending.upstream, method, sending.path, sending.query,
                       buf_view(&exchange->upload), &sending.answer);
        return send_answer(&sending);
    }
    if (!is_read || !str_starts(sending.path, STR(BASE "/"))) {
        sending.answer = answer_error(is_read ? 404 : 405);
        return send_answer(&sending);
    }
    sending.path = (Str){sending.path.ptr + strlen(BASE), sending.path.len - strlen(BASE)};
    return serve_data(&sending);
}

/* ---- libmicrohttpd --------------------------------------------------------------------------- */

/* Runs before anything is decoded; what it returns is the Exchange of the calls that follow. */
static void *begin_exchange(UNUSED void *cls, const char *target,
                            UNUSED struct MHD_Connection *connection)
{
    Exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->target = strdup(target);
    exchange->upload = buf_init(UPLOAD_MAX_BYTES);
    return exchange;
}

static void end_exchange(UNUSED void *cls, UNUSED struct MHD_Connection *connection, void **con_cls,
                         UNUSED enum MHD_RequestTerminationCode how)
{
    Exchange *exchange = *con_cls;
    if (exchange == NULL)
        return;
    free(exchange->target);
    buf_release(&exchange->upload);
    free(exchange);
    *con_cls = NULL;
}

static void notice_connection(void *cls, UNUSED struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode what)
{
    const HttpServer *server = cls;
    bool *asks_data = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = calloc(1, sizeof *asks_data);
        return;
    }
    if (asks_data != NULL && *asks_data)
        upstream_count_closed(server->upstream);
    free(asks_data);
}

/* Answering on the first call would close the connection. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, UNUSED const char *url,
                              const char *method, UNUSED const char *version, const char *upload,
                              size_t *upload_len, void **con_cls)
{
    Exchange *exchange = *con_cls;
    if (exchange == NULL || exchange->target == NULL)
        return MHD_NO;
    if (!exchange->head_seen) {
        exchange->head_seen = true;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        buf_put(&exchange->upload, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return serve(cls, connection, str_of(method), exchange);
}

ErrCode http_server_start(Upstream *upstream, const char *host, uint16_t port,
                          HttpServer **ret_server, Err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return err_set(err, ERR_INVALID, "'%s' is no IPv4 address", host);
    HttpServer *server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the HTTP server");
    server->upstream = upstream;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    server->daemon = MHD_start_daemon(
        flags, port, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *) &address,
        MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        end_exchange, NULL, MHD_OPTION_NOTIFY_CONNECTION, notice_connection, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
    if (server->daemon == NULL) {
        free(server);
        return err_set(err, ERR_NETWORK, "cannot listen on %s:%u: %s", host, port, strerror(errno));
    }
    *ret_server = server;
    return OK;
}

uint16_t http_server_port(const HttpServer *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_server_stop(HttpServer *server)
{
    if (server == NULL)
        return;
    upstream_stop_pauses(server->upstream);
    MHD_stop_daemon(server->daemon);
    free(server);
}
