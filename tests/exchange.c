#include "tests/exchange.h"

#include "tests/test.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 << 20, PATIENCE_S = 60 };

/* http://host:port/target */
typedef struct Address {
    Str authority, host, port, target;
} Address;

static Address address_of(const char *url)
{
    Str rest = str_of(url);
    REQUIRE(str_starts(rest, STR("http://")));
    rest = (Str){rest.ptr + 7, rest.len - 7};
    Address address = {.authority = rest, .target = STR(""), .port = STR("80")};
    (void) str_cut(rest, '/', &address.authority, &address.target);
    address.host = address.authority;
    (void) str_cut(address.authority, ':', &address.host, &address.port);
    return address;
}

int exchange_connect(const char *url)
{
    char host[128], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *list = NULL;
    Address address = address_of(url);
    (void) snprintf(host, sizeof host, STR_FMT, STR_ARG(address.host));
    (void) snprintf(port, sizeof port, STR_FMT, STR_ARG(address.port));
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, list->ai_addr, list->ai_addrlen) != 0) {
        (void) close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

static void send_all(int fd, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes = (Str){bytes.ptr + sent, bytes.len - (size_t) sent};
    }
}

static void receive_all(int fd, Buf *answer)
{
    enum { BLOCK = 64 * 1024 };
    char *to;
    while ((to = buf_reserve(answer, BLOCK)) != NULL) {
        ssize_t got = recv(fd, to, BLOCK, 0);
        if (got <= 0)
            return;
        buf_grew(answer, (size_t) got);
    }
}

Str exchanged_field(const Exchanged *exchanged, const char *name)
{
    Str rest = buf_view(&exchanged->head), line, key, value;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_cut(line, ':', &key, &value) && str_eq_nocase(key, str_of(name)))
            return str_trim(value);
    return STR("");
}

static bool hex_number(Str text, size_t *ret)
{
    size_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, text.ptr[i] | 0x20);
        if (text.ptr[i] == '\0' || digit == NULL)
            return false;
        number = number * 16 + (size_t) (digit - digits);
    }
    *ret = number;
    return text.len > 0;
}

/* False: it ended before its last chunk. */
static bool join_chunks(Str rest, Buf *body)
{
    Str line;
    size_t size;
    while (str_cut(rest, '\n', &line, &rest) && hex_number(str_trim(line), &size)) {
        if (size == 0)
            return true;
        size_t have = size < rest.len ? size : rest.len;
        buf_put(body, rest.ptr, have);
        if (rest.len < size + 2)
            return false;
        rest = (Str){rest.ptr + size + 2, rest.len - size - 2};
    }
    return false;
}

static void take_apart(Str answer, Exchanged *exchanged)
{
    size_t head_len;
    int64_t status, length;
    if (!str_find(answer, STR("\r\n\r\n"), &head_len))
        return;
    buf_put(&exchanged->head, answer.ptr, head_len + 2);
    Str rest = {answer.ptr + head_len + 4, answer.len - head_len - 4};
    if (answer.len > 12 && str_to_int((Str){answer.ptr + 9, 3}, &status))
        exchanged->status = (int) status;
    if (str_eq(exchanged_field(exchanged, "Transfer-Encoding"), STR("chunked"))) {
        exchanged->is_whole = join_chunks(rest, &exchanged->body);
        return;
    }
    buf_put_str(&exchanged->body, rest);
    exchanged->is_whole = !str_to_int(exchanged_field(exchanged, "Content-Length"), &length) ||
                          (size_t) length == rest.len;
}

Exchanged exchange(const char *method, const char *url, const char *fields, Str body)
{
    CLEANUP(buf_release) Buf request = buf_init(ANSWER_MAX);
    CLEANUP(buf_release) Buf answer = buf_init(ANSWER_MAX);
    Exchanged exchanged = {.head = buf_init(ANSWER_MAX), .body = buf_init(ANSWER_MAX)};
    Address address = address_of(url);
    buf_printf(&request, "%s /" STR_FMT " HTTP/1.1\r\nHost: " STR_FMT "\r\nConnection: close\r\n%s",
               method, STR_ARG(address.target), STR_ARG(address.authority), fields);
    if (!str_is_none(body))
        buf_printf(&request, "Content-Length: %zu\r\n", body.len);
    BUF_LITERAL(&request, "\r\n");
    buf_put_str(&request, body);
    int fd = exchange_connect(url);
    REQUIRE(fd >= 0);
    send_all(fd, buf_view(&request));
    receive_all(fd, &answer);
    (void) close(fd);
    take_apart(buf_view(&answer), &exchanged);
    return exchanged;
}

void exchanged_release(Exchanged *exchanged)
{
    buf_release(&exchanged->head);
    buf_release(&exchanged->body);
}

Buf must_get(const char *url)
{
    Exchanged got = exchange("GET", url, "", STR_NONE);
    if (got.status != 200 || !got.is_whole)
        printf("GET %s: %d, %zu bytes\n", url, got.status, got.body.len);
    REQUIRE(got.status == 200 && got.is_whole);
    buf_release(&got.head);
    return got.body;
}
