#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/ahead.h"
#include "server/gate.h"
#include "server/hub.h"
#include "server/kept.h"
#include "server/peers.h"
#include "server/renderer.h"
#include "server/words.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LISTEN_BACKLOG = 1024,
    DRAIN_MS = 3000,            /* the whole stop has 5 s */
    BODY_DRAIN_MAX = 64 * 1024, /* of a request: more is not waited for, the connection is closed */
    CONNECTION_ROOM_BYTES =
        10 * 1024, /* beside the target: header fields, and the head of our answer */
    SURPLUS_CONNECTIONS =
        64, /* at each thread, to say 503 to before libmicrohttpd stops accepting */
};

struct Server {
    ServerOptions options;
    Site site;
    Cache *cache;
    Gate *gate; /* NULL: every request passes */
    Peers *peers;
    Renderer *renderer;
    Hub *hub;
    Ahead ahead;
    struct MHD_Daemon *daemon;
    unsigned port;
};

/* ---- one request ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} HEAD_FIELDS[] = {
    {MHD_HTTP_HEADER_HOST, offsetof(Head, host)},
    {MHD_HTTP_HEADER_ACCEPT, offsetof(Head, accept)},
    {MHD_HTTP_HEADER_ACCEPT_ENCODING, offsetof(Head, accept_encoding)},
    {MHD_HTTP_HEADER_IF_NONE_MATCH, offsetof(Head, if_none_match)},
    {MHD_HTTP_HEADER_IF_MODIFIED_SINCE, offsetof(Head, if_modified_since)},
    {MHD_HTTP_HEADER_RANGE, offsetof(Head, range)},
    {MHD_HTTP_HEADER_IF_RANGE, offsetof(Head, if_range)},
    {"Last-Event-ID", offsetof(Head, last_event_id)},
    {"X-Request-Id", offsetof(Head, request_id)},
    {"traceparent", offsetof(Head, traceparent)},
};

typedef struct HeadReader {
    Head head;
    int64_t content_length;
} HeadReader;

static enum MHD_Result read_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void) kind;
    HeadReader *reader = cls;
    Head *head = &reader->head;
    Str field = str_of(name), text = str_of(value);
    head->bytes += field.len + text.len + 4;
    if (str_eq_nocase(field, STR("Host")))
        head->host_count++;
    else if (str_eq_nocase(field, STR("Transfer-Encoding")))
        head->has_transfer_encoding = true;
    else if (str_eq_nocase(field, STR("Content-Length"))) {
        head->content_length_count++;
        if (!str_to_int(text, &reader->content_length))
            reader->content_length = INT64_MAX;
    }
    for (size_t i = 0; i < countof(HEAD_FIELDS); i++)
        if (str_eq_nocase(field, str_of(HEAD_FIELDS[i].name)))
            *(Str *) (void *) ((char *) head + HEAD_FIELDS[i].offset) = text;
    return MHD_YES;
}

static HeadReader read_head(struct MHD_Connection *connection, const Peer *peer, const char *method,
                            const char *version)
{
    HeadReader reader = {.head = {.method = str_of(method),
                                  .target = buf_view(&peer->target),
                                  .is_http_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0}};
    (void) MHD_get_connection_values(connection, MHD_HEADER_KIND, read_field, &reader);
    return reader;
}

static void count_answer(unsigned status)
{
    static const Metric CLASSES[] = {METRIC_HTTP_REQUESTS_2XX, METRIC_HTTP_REQUESTS_3XX,
                                     METRIC_HTTP_REQUESTS_4XX, METRIC_HTTP_REQUESTS_5XX};
    metric_add(CLASSES[status / 100 - 2], 1);
}

static enum MHD_Result queue(struct MHD_Connection *connection, Answer *answer, bool close)
{
    CLEANUP(finished_dropp) Finished *finished = answer->finished;
    if (finished == NULL) {
        subscriber_leave(answer->subscriber);
        return MHD_NO;
    }
    Header extra[EXTRA_MAX + 1];
    size_t count = answer->extra_count;
    memcpy(extra, answer->extra, count * sizeof *extra);
    if (close)
        extra[count++] = (Header){MHD_HTTP_HEADER_CONNECTION, STR("close")};
    count_answer(finished_status(finished));
    if (answer->subscriber != NULL)
        return finished_queue_stream(finished, connection, extra, count, answer->subscriber)
                   ? MHD_YES
                   : MHD_NO;
    return finished_queue(finished, connection, extra, count) ? MHD_YES : MHD_NO;
}

/* ---- answers that are rendered elsewhere: the connection is suspended meanwhile --------------- */

static void hold(void *waiter)
{
    const Peer *peer = waiter;
    MHD_suspend_connection(peer->connection);
}

/* The connection's thread sees what is written here: it takes libmicrohttpd's lock to resume. */
static void hand_over(void *waiter, const Rendered *rendered)
{
    Peer *peer = waiter;
    peer->rendered = rendered != NULL ? *rendered : (Rendered){.finished = NULL};
    peer->is_rendered = true;
    MHD_resume_connection(peer->connection);
}

static void hold_on(void *waiter)
{
    const Peer *peer = waiter;
    MHD_suspend_connection(peer->connection);
}

static void wake(void *waiter)
{
    const Peer *peer = waiter;
    MHD_resume_connection(peer->connection);
}

/* Its HTTP thread sees the end, and closes it. */
static void cut(void *waiter)
{
    const Peer *peer = waiter;
    (void) shutdown(peer->fd, SHUT_RDWR);
}

static Answer answer_or_defer(Server *server, Peer *peer, const Head *head, Arena *arena)
{
    if (peer->is_rendered && peer->rendered.finished == NULL)
        return answer_problem(head, arena, PROBLEM_OVERLOADED, "The answer could not be rendered.");
    if (peer->is_rendered) {
        const Rendered rendered = peer->rendered;
        peer->rendered.finished = NULL; /* its count goes on */
        peer->is_rendered = false;
        return answer_rendered(&server->site, server->cache, head, arena, &rendered);
    }
    peer->wait.generation = store_generation(server->site.store); /* before it is looked at */
    Answer answer = answer_at_once(&server->site, server->cache, head, arena);
    if (answer.is_deferred && !renderer_ask(server->renderer, &answer.deferred, head, peer))
        return answer_problem(head, arena, PROBLEM_OVERLOADED,
                              "Too many large answers are waiting to be rendered.");
    return answer;
}

/* False: it has waited long enough, or must not. */
static bool hold_until_change(Server *server, Peer *peer, const Answer *answer)
{
    HubWait *wait = &peer->wait;
    int64_t now_ms = clock_elapsed_ms();
    if (wait->until_ms == 0)
        wait->until_ms = now_ms + answer->wait_s * 1000;
    wait->waiter = peer;
    return wait->until_ms > now_ms && hub_hold(server->hub, wait);
}

static Answer answer_peer(Server *server, struct MHD_Connection *connection, Peer *peer,
                          const Head *head, Arena *arena)
{
    peer->connection = connection;
    Answer answer = answer_or_defer(server, peer, head, arena);
    if (answer.is_idle && hold_until_change(server, peer, &answer)) {
        finished_drop(TAKE(answer.finished));
        answer.is_deferred = true;
    }
    if (answer.subscriber == NULL || subscriber_join(answer.subscriber, peer->address, peer))
        return answer;
    subscriber_leave(TAKE(answer.subscriber));
    finished_drop(TAKE(answer.finished));
    return answer_problem(head, arena, PROBLEM_OVERLOADED, "There are too many subscribers.");
}

/* The system would let the bytes of one who does not read grow to megabytes. */
static void bound_backlog(int fd)
{
    int bytes = 64 * 1024;
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static enum MHD_Result answer_now(Server *server, struct MHD_Connection *connection, Peer *peer,
                                  const Head *head, bool close)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Answer answer;
    if (peer->is_surplus)
        answer =
            answer_problem(head, &arena, PROBLEM_OVERLOADED, "There are too many connections.");
    else if (peer->target.error != OK)
        answer = answer_problem(head, &arena, PROBLEM_TARGET_TOO_LONG,
                                "Path and query are longer than is read here.");
    else if (peer->verdict.refusal != PROBLEM_NONE)
        answer = gate_refuse(&peer->verdict, head, &arena);
    else if (close) { /* on the first call a connection cannot be suspended */
        answer = answer_request(&server->site, server->cache, head, &arena);
        if (answer.subscriber != NULL) {
            subscriber_leave(TAKE(answer.subscriber));
            finished_drop(TAKE(answer.finished));
            answer = answer_problem(head, &arena, PROBLEM_BAD_REQUEST,
                                    "The stream is not for a request with a body.");
        }
    } else
        answer = answer_peer(server, connection, peer, head, &arena);
    if (answer.is_deferred)
        return MHD_YES; /* once it is resumed we are called again */
    if (server->gate != NULL)
        gate_tell(server->gate, &peer->verdict, &answer, &arena);
    bool is_stream = answer.subscriber != NULL;
    if (is_stream)
        bound_backlog(peer->fd);
    enum MHD_Result result = queue(connection, &answer, close || server->site.draining);
    if (is_stream)
        buf_release(&peer->target); /* it may live for days, and there may be thousands */
    return result;
}

/* Once for each request, however often its connection is suspended meanwhile. */
static void judge(const Server *server, struct MHD_Connection *connection, Peer *peer,
                  const Head *head)
{
    Str token = str_of(
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION));
    peer->verdict = gate_judge(server->gate, head, token, peer->address, clock_elapsed_us());
}

/* libmicrohttpd calls once for the head, then for each piece of a body, then once more. An answer
 * to the first call closes the connection: so that is kept for those who are not to have it any
 * longer, or whose body is not worth waiting for. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **con_cls)
{
    (void) url;
    (void) upload_data;
    Server *server = cls;
    Peer *peer = *con_cls;
    if (peer == NULL)
        return MHD_NO; /* there was no memory for it */
    if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    HeadReader reader = read_head(connection, peer, method, version);
    const Head *head = &reader.head;
    if (peer->is_begun)
        return answer_now(server, connection, peer, head, false);
    peer->is_begun = true;
    peer_begins(server->peers, peer);
    if (server->gate != NULL)
        judge(server, connection, peer, head);
    if (peer->is_surplus || head->has_transfer_encoding || head->content_length_count > 1 ||
        reader.content_length > BODY_DRAIN_MAX)
        return answer_now(server, connection, peer, head, true);
    return MHD_YES;
}

/* The only sight of the target as it came: what the handler gets is decoded and cut at %00. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    (void) cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    Peer *peer = info != NULL ? info->socket_context : NULL;
    if (peer != NULL) {
        buf_clear(&peer->target);
        buf_put_str(&peer->target, str_of(target));
    }
    return peer;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    (void) connection;
    (void) why;
    Server *server = cls;
    Peer *peer = *con_cls;
    if (peer == NULL)
        return;
    peer->wait.until_ms = 0;
    finished_drop(TAKE(peer->rendered.finished)); /* it went away before it was called again */
    peer->is_rendered = false;
    peer_ends(server->peers, peer);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    Server *server = cls;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context != NULL)
            peers_leave(server->peers, *socket_context);
        return;
    }
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int socket_fd =
        fd->connect_fd; /* the union is the connection's own: the next call overwrites it */
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *socket_context = peers_join(server->peers, socket_fd, address->client_addr);
}

static void on_log(void *cls, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void on_log(void *cls, const char *fmt, va_list args)
{
    (void) cls;
    char text[400];
    (void) vsnprintf(text, sizeof text, fmt, args);
    log_debug("http library detail=" LOG_TEXT, text);
}

/* ---- listening ------------------------------------------------------------------------------- */

typedef struct Address {
    char host[128], port[16];
} Address;

/* host:port, [v6]:port, :port */
static bool split_address(Str listen_on, Address *ret)
{
    Str port = str_after_last(listen_on, ':');
    if (port.len == listen_on.len || port.len == 0 || port.len >= sizeof ret->port)
        return false;
    Str host = {listen_on.ptr, listen_on.len - port.len - 1};
    int64_t number;
    if (!str_to_int(port, &number) || number < 0 || number > 65535)
        return false;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = (Str){host.ptr + 1, host.len - 2};
    if (host.len >= sizeof ret->host)
        return false;
    (void) snprintf(ret->host, sizeof ret->host, STR_FMT, STR_ARG(host));
    (void) snprintf(ret->port, sizeof ret->port, STR_FMT, STR_ARG(port));
    return true;
}

/* -1, with errno. */
static int listen_at(const struct addrinfo *at, bool both_families)
{
    int on = 1, off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (both_families)
        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int failure = errno;
    (void) close(fd);
    errno = failure;
    return -1;
}

static int listen_first(const struct addrinfo *found, int family, bool both_families)
{
    int fd = -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        if (family == AF_UNSPEC || at->ai_family == family)
            fd = listen_at(at, both_families);
    return fd;
}

static ErrCode open_listener(const char *listen_on, int *ret_fd, Err *err)
{
    Address address;
    if (!split_address(str_of(listen_on), &address))
        return err_set(err, ERR_INVALID, "'%s' is no address to listen on: host:port", listen_on);
    bool is_any = address.host[0] == '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(is_any ? NULL : address.host, address.port, &hints, &found);
    if (failure != 0)
        return err_set(err, ERR_INVALID, "'%s': %s", listen_on, gai_strerror(failure));
    int fd = is_any ? listen_first(found, AF_INET6, true) : -1; /* takes IPv4 too */
    if (fd < 0)
        fd = listen_first(found, is_any ? AF_INET : AF_UNSPEC, false);
    int reason = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return err_set(err, ERR_NETWORK, "'%s': %s", listen_on, strerror(reason));
    *ret_fd = fd;
    return OK;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char text[NI_MAXSERV];
    int64_t port = 0;
    if (getsockname(fd, (struct sockaddr *) &address, &len) == 0 &&
        getnameinfo((struct sockaddr *) &address, len, NULL, 0, text, sizeof text,
                    NI_NUMERICSERV) == 0)
        (void) str_to_int(str_of(text), &port);
    return (unsigned) port;
}

/* Debian gives a process 1024 descriptors, and lets it have more when it asks. */
static void ask_for_descriptors(unsigned connections)
{
    enum { OTHERS = 256 }; /* of the store, the upstream, the system */
    struct rlimit limit;
    rlim_t need = (rlim_t) connections + KEPT_DESCRIPTORS_MAX + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < need)
        log_warn("http descriptors too few for max-connections need=%llu allowed=%llu",
                 (unsigned long long) need, (unsigned long long) limit.rlim_max);
}

/* ---- start and stop -------------------------------------------------------------------------- */

/* Takes `fd` over, when it succeeds. */
static ErrCode start_daemon(Server *server, int fd, Err *err)
{
    const ServerOptions *options = &server->options;
    unsigned threads = options->thread_count > 1 ? options->thread_count : 1;
    unsigned connections = options->max_connections + threads * SURPLUS_CONNECTIONS;
    ask_for_descriptors(connections);
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT,
         (intptr_t) (options->max_target_bytes + CONNECTION_ROOM_BYTES), NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t) connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t) options->idle_timeout_s, NULL},
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t) threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO |
                                          MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                                      0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
                                      on_log, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
                                      MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                                      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                                      MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (server->daemon == NULL)
        return err_set(err, ERR_NO_MEMORY, "the HTTP library could not start its %u threads",
                       threads);
    return OK;
}

/* False: no memory. */
static bool open_spools(Server *server)
{
    const ServerOptions *options = &server->options;
    server->site.spools = spools_open(options->spool_dir, options->spool_bytes);
    server->site.kept = kept_open(server->site.store, options->spool_bytes / 2);
    return server->site.spools != NULL && server->site.kept != NULL;
}

ErrCode server_start(Store *store, const ServerOptions *options, Server **ret_server, Err *err)
{
    int fd = -1;
    Server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the server");
    server->options = *options;
    server->site = (Site){.store = store, .options = &server->options};
    server->cache = cache_open(options->cache_bytes);
    server->site.words = words_open();
    const PeersOptions peers = {
        .max = options->max_connections,
        .max_per_address = options->max_connections_per_address,
        .head_deadline_ms = options->idle_timeout_s * 1000,
        .max_target_bytes = options->max_target_bytes,
    };
    const HubOptions hub = {
        .max_subscribers = options->max_subscribers,
        .max_subscribers_per_address = options->max_subscribers_per_address,
        .heartbeat_ms = options->heartbeat_ms,
        .slow_ms = options->slow_subscriber_ms,
    };
    ErrCode rc = server->cache != NULL && server->site.words != NULL && open_spools(server)
                     ? peers_open(&peers, &server->peers, err)
                     : err_set(err, ERR_NO_MEMORY, "no memory for the cache");
    if (rc == OK)
        rc = gate_open(&(GateOptions){.rate = options->rate, .tokens_file = options->tokens_file},
                       &server->gate, err);
    if (rc == OK)
        rc = renderer_start(&server->site, server->cache,
                            &(RenderHooks){.hold = hold, .hand_over = hand_over},
                            options->thread_count, &server->renderer, err);
    if (rc == OK)
        rc = hub_start(store, &hub, &(HubHooks){.hold = hold_on, .wake = wake, .cut = cut},
                       &server->hub, err);
    server->site.hub = server->hub;
    if (rc == OK)
        rc = open_listener(options->listen, &fd, err);
    if (rc == OK) {
        server->port = server->site.port = port_of(fd);
        rc = start_daemon(server, fd, err);
    }
    if (rc != OK) {
        if (fd >= 0)
            (void) close(fd);
        server_stop(server);
        return rc;
    }
    server->ahead = (Ahead){.site = &server->site, .cache = server->cache};
    store_prepare(store, render_ahead, &server->ahead);
    *ret_server = server;
    return OK;
}

unsigned server_port(const Server *server)
{
    return server->port;
}

ErrCode server_reload(Server *server, Err *err)
{
    return server->gate != NULL ? gate_reload(server->gate, err) : OK;
}

void server_stop(Server *server)
{
    if (server == NULL)
        return;
    server->site.draining = true;
    if (server->ahead.site != NULL)
        store_prepare(server->site.store, NULL, NULL);
    if (server->daemon != NULL) {
        MHD_socket fd = MHD_quiesce_daemon(server->daemon);
        if (fd != MHD_INVALID_SOCKET)
            (void) close(fd);
        hub_drain(server->hub);
        if (!peers_drain(server->peers, clock_elapsed_ms() + DRAIN_MS))
            log_warn("http stopping with requests under way");
        hub_stop(server->hub);
        renderer_stop(server->renderer); /* nobody may be suspended when the daemon stops */
        MHD_stop_daemon(server->daemon);
    }
    renderer_close(server->renderer);
    hub_close(server->hub);
    peers_close(server->peers);
    gate_close(server->gate);
    kept_close(server->site.kept);
    cache_close(server->cache);
    words_close(server->site.words);
    spools_close(server->site.spools);
    free(server);
}
