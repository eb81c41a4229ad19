#include "tests/loopback.h"

#include "base/clock.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUEST_MAX = 64 << 20 };

typedef struct Connection {
    Loopback *loopback;
    int fd;
    pthread_t thread;
} Connection;

struct Loopback {
    LoopbackFn *answer;
    void *ctx;
    int listener;
    unsigned port;
    char origin[64];
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below, and what `answer` touches */
    Connection connections[CONNECTIONS_MAX];
    int count;
    bool ending;
};

static bool send_all(int fd, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = (Str){bytes.ptr + sent, bytes.len - (size_t) sent};
    }
    return true;
}

static bool receive_more(int fd, Buf *in)
{
    char *to = buf_reserve(in, 65536);
    ssize_t got = to != NULL ? recv(fd, to, 65536, 0) : -1;
    if (got <= 0)
        return false;
    buf_grew(in, (size_t) got);
    return true;
}

static Str field_of(Str head, Str name)
{
    Str rest = head, line, key, value;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_cut(line, ':', &key, &value) && str_eq_nocase(key, name))
            return str_trim(value);
    return STR_NONE;
}

Str loopback_field(const LoopbackRequest *request, const char *name)
{
    return field_of(request->head, str_of(name));
}

static bool split_head(Str head, LoopbackRequest *request)
{
    Str line, version, origin;
    *request = (LoopbackRequest){.query = STR("")};
    if (!str_cut(head, '\n', &line, &request->head) ||
        !str_cut(line, ' ', &request->method, &line) ||
        !str_cut(line, ' ', &request->target, &version))
        return false;
    Str path = request->target;
    size_t at = 0;
    if (str_find(path, STR("://"), &at)) { /* as to a proxy */
        path = (Str){path.ptr + at + 3, path.len - at - 3};
        (void) str_cut(path, '/', &origin, &path);
        path = (Str){path.ptr - 1, path.len + 1};
    }
    request->path = path;
    (void) str_cut(path, '?', &request->path, &request->query);
    return true;
}

static bool send_reply(int fd, const LoopbackRequest *request, const LoopbackReply *reply)
{
    CLEANUP(buf_release) Buf out = buf_init(1 << 20);
    char date[CLOCK_HTTP_SIZE];
    clock_format_http(clock_now() + reply->date_offset_s, date);
    if (reply->no_answer)
        return false;
    buf_printf(&out, "HTTP/1.1 %d As Told\r\nDate: %s\r\nContent-Length: %zu\r\n", reply->status,
               date, reply->body.len);
    buf_put_str(&out, buf_view(&reply->fields));
    BUF_LITERAL(&out, "\r\n");
    Str body = buf_view(&reply->body);
    if (str_eq(request->method, STR("HEAD")))
        body.len = 0;
    if (reply->cut_at >= 0)
        body.len = (size_t) reply->cut_at;
    return send_all(fd, buf_view(&out)) && send_all(fd, body) && reply->cut_at < 0;
}

/* One request; false: the connection has ended. */
static bool serve_one(Connection *connection, Buf *in)
{
    Loopback *loopback = connection->loopback;
    LoopbackRequest request;
    size_t end = 0;
    int64_t len = 0;
    while (!str_find(buf_view(in), STR("\r\n\r\n"), &end))
        if (!receive_more(connection->fd, in))
            return false;
    end += 4;
    if (!split_head((Str){in->ptr, end}, &request))
        return false;
    (void) str_to_int(loopback_field(&request, "Content-Length"), &len);
    if (!str_is_none(loopback_field(&request, "Expect")) &&
        !send_all(connection->fd, STR("HTTP/1.1 100 Continue\r\n\r\n")))
        return false;
    while (in->len < end + (size_t) len)
        if (!receive_more(connection->fd, in))
            return false;
    (void) split_head((Str){in->ptr, end}, &request); /* the buffer may have moved */
    request.body = (Str){in->ptr + end, (size_t) len};

    LoopbackReply reply = {
        .status = 200, .fields = buf_init(1 << 20), .body = buf_init(REQUEST_MAX), .cut_at = -1};
    loopback_lock(loopback);
    loopback->answer(&request, &reply, loopback->ctx);
    loopback_unlock(loopback);
    bool goes_on = send_reply(connection->fd, &request, &reply);
    buf_release(&reply.fields);
    buf_release(&reply.body);
    size_t taken = end + (size_t) len;
    memmove(in->ptr, in->ptr + taken, in->len - taken);
    in->len -= taken;
    return goes_on;
}

static void *serve(void *ctx)
{
    Connection *connection = ctx;
    CLEANUP(buf_release) Buf in = buf_init(REQUEST_MAX);
    while (serve_one(connection, &in))
        continue;
    (void) shutdown(connection->fd, SHUT_RDWR); /* closed when the server ends: its number stays */
    return NULL;
}

static void *accept_all(void *ctx)
{
    Loopback *loopback = ctx;
    for (int fd; (fd = accept(loopback->listener, NULL, NULL)) >= 0;) {
        loopback_lock(loopback);
        Connection *connection = &loopback->connections[loopback->count];
        bool taken = !loopback->ending && loopback->count < CONNECTIONS_MAX;
        *connection = (Connection){.loopback = loopback, .fd = fd};
        if (taken && pthread_create(&connection->thread, NULL, serve, connection) == 0)
            loopback->count++;
        else
            (void) close(fd);
        loopback_unlock(loopback);
    }
    return NULL;
}

static void end(void *ctx)
{
    Loopback *loopback = ctx;
    loopback_lock(loopback);
    loopback->ending = true;
    loopback_unlock(loopback);
    (void) shutdown(loopback->listener, SHUT_RDWR);
    (void) pthread_join(loopback->thread, NULL);
    (void) close(loopback->listener);
    for (int i = 0; i < loopback->count; i++) {
        (void) shutdown(loopback->connections[i].fd, SHUT_RDWR);
        (void) pthread_join(loopback->connections[i].thread, NULL);
        (void) close(loopback->connections[i].fd);
    }
    (void) pthread_mutex_destroy(&loopback->lock);
    free(loopback);
}

Loopback *loopback_start(LoopbackFn *answer, void *ctx)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    Loopback *loopback = calloc(1, sizeof *loopback);
    REQUIRE(loopback != NULL);
    loopback->answer = answer;
    loopback->ctx = ctx;
    loopback->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(loopback->listener >= 0);
    REQUIRE(bind(loopback->listener, (struct sockaddr *) &address, sizeof address) == 0);
    REQUIRE(listen(loopback->listener, 64) == 0);
    REQUIRE(getsockname(loopback->listener, (struct sockaddr *) &address, &address_len) == 0);
    loopback->port = ntohs(address.sin_port);
    (void) snprintf(loopback->origin, sizeof loopback->origin, "http://127.0.0.1:%u",
                    loopback->port);
    REQUIRE(pthread_mutex_init(&loopback->lock, NULL) == 0);
    REQUIRE(pthread_create(&loopback->thread, NULL, accept_all, loopback) == 0);
    test_defer(end, loopback);
    return loopback;
}

const char *loopback_origin(const Loopback *loopback)
{
    return loopback->origin;
}

unsigned loopback_port(const Loopback *loopback)
{
    return loopback->port;
}

void loopback_lock(Loopback *loopback)
{
    (void) pthread_mutex_lock(&loopback->lock);
}

void loopback_unlock(Loopback *loopback)
{
    (void) pthread_mutex_unlock(&loopback->lock);
}

int loopback_connections(Loopback *loopback)
{
    loopback_lock(loopback);
    int count = loopback->count;
    loopback_unlock(loopback);
    return count;
}
