#include "tests/client.h"

#include "base/clock.h"
#include "model/window.h"
#include "tests/test_store_kit.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_MAX_BYTES = 512 << 20, WAIT_MS = 20000 };

/* ---- the client ------------------------------------------------------------------------------ */

Client client_open(unsigned port)
{
    Client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                     .in = buf_init(IN_MAX_BYTES)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(client.fd >= 0);
    REQUIRE(connect(client.fd, (struct sockaddr *) &to, sizeof to) == 0);
    return client;
}

void client_close(Client *client)
{
    (void) close(client->fd);
    buf_release(&client->in);
}

void client_send(Client *client, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* closed on us: what was answered before can still be read */
        bytes = (Str){bytes.ptr + sent, bytes.len - (size_t) sent};
    }
}

bool client_is_closed_now(Client *client)
{
    char byte;
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    return poll(&wait, 1, 20) > 0 && recv(client->fd, &byte, 1, MSG_PEEK) <= 0;
}

/* False: the peer has closed, or said nothing for too long. */
static bool receive_more(Client *client)
{
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    if (poll(&wait, 1, WAIT_MS) <= 0)
        return false;
    char *to = buf_reserve(&client->in, 65536);
    ssize_t got = to != NULL ? recv(client->fd, to, 65536, 0) : -1;
    if (got <= 0)
        return false;
    buf_grew(&client->in, (size_t) got);
    return true;
}

static void take(Client *client, size_t len, Buf *ret)
{
    buf_put(ret, client->in.ptr, len);
    memmove(client->in.ptr, client->in.ptr + len, client->in.len - len);
    client->in.len -= len;
}

static bool take_bytes(Client *client, size_t len, Buf *ret)
{
    while (client->in.len < len)
        if (!receive_more(client))
            return false;
    take(client, len, ret);
    return true;
}

/* Up to and with `end`. */
static bool take_until(Client *client, Str end, Buf *ret)
{
    size_t at;
    while (!str_find(buf_view(&client->in), end, &at))
        if (!receive_more(client))
            return false;
    take(client, at + end.len, ret);
    return true;
}

/* *ret_len 0: it was the last. False: the connection ended. */
static bool take_chunk(Client *client, Buf *ret, size_t *ret_len)
{
    CLEANUP(buf_release) Buf line = buf_init(1000);
    if (!take_until(client, STR("\r\n"), &line))
        return false;
    buf_put_char(&line, '\0');
    *ret_len = (size_t) strtoul(line.ptr, NULL, 16);
    return take_bytes(client, *ret_len, ret) && take_until(client, STR("\r\n"), &line);
}

static bool take_chunks(Client *client, Buf *ret)
{
    size_t len = 1;
    while (len > 0)
        if (!take_chunk(client, ret, &len))
            return false;
    return true;
}

bool client_receive_chunk(Client *client, Buf *ret)
{
    size_t len = 0;
    return take_chunk(client, ret, &len) && len > 0;
}

static bool take_body(Client *client, Response *response)
{
    Str length = response_field(response, "Content-Length");
    int64_t len = 0;
    if (response->status == 204 || response->status == 304)
        return true;
    if (str_to_int(length, &len))
        return take_bytes(client, (size_t) len, &response->body);
    if (str_eq(response_field(response, "Transfer-Encoding"), STR("chunked")))
        return take_chunks(client, &response->body);
    while (receive_more(client))
        continue;
    take(client, client->in.len, &response->body);
    return true;
}

Response client_receive_head(Client *client)
{
    Response response = {.head = buf_init(IN_MAX_BYTES), .body = buf_init(IN_MAX_BYTES)};
    if (!take_until(client, STR("\r\n\r\n"), &response.head) || response.head.len < 12)
        return response;
    response.status = (response.head.ptr[9] - '0') * 100 + (response.head.ptr[10] - '0') * 10 +
                      (response.head.ptr[11] - '0');
    return response;
}

Response client_receive(Client *client, bool has_body)
{
    Response response = client_receive_head(client);
    if (response.status != 0 && has_body && !take_body(client, &response))
        response.status = 0;
    return response;
}

bool client_is_closed(Client *client)
{
    int64_t deadline_ms = clock_elapsed_ms() + WAIT_MS;
    while (receive_more(client))
        continue;
    return clock_elapsed_ms() < deadline_ms;
}

Response client_ask(Client *client, const char *method, const char *target, const char *fields)
{
    CLEANUP(buf_release) Buf request = buf_init(1 << 20);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, target, fields);
    client_send(client, buf_view(&request));
    return client_receive(client, strcmp(method, "HEAD") != 0);
}

Response http_ask(unsigned port, const char *method, const char *target, const char *fields)
{
    CLEANUP(client_close) Client client = client_open(port);
    return client_ask(&client, method, target, fields);
}

Response http_fetch(unsigned port, const char *target)
{
    return http_ask(port, "GET", target, "");
}

void response_release(Response *response)
{
    buf_release(&response->head);
    buf_release(&response->body);
}

Str response_field(const Response *response, const char *name)
{
    Str line, rest = buf_view(&response->head);
    while (str_cut(rest, '\n', &line, &rest)) {
        Str field, value;
        if (str_cut(line, ':', &field, &value) && str_eq_nocase(field, str_of(name)))
            return str_trim(value);
    }
    return STR_NONE;
}

Str response_body(const Response *response)
{
    return buf_view(&response->body);
}

/* ---- a store to serve ------------------------------------------------------------------------ */

Fixture fixture_open(void)
{
    Err err = {.code = OK};
    char set_aside[STORE_NOTE_SIZE];
    Fixture fixture = {.now = FIXTURE_NOW};
    const StoreOptions options = {.data_dir = test_dir(),
                                  .window_s = WINDOW_MAX_S,
                                  .reader_count = 4,
                                  .snapshot_wait_ms = 300,
                                  .wal_max_bytes = 64 << 20};
    REQUIRE_OK(store_open(&options, &fixture.store, set_aside, &err));
    REQUIRE_OK(store_writer(fixture.store, &fixture.writer, &err));
    return fixture;
}

void fixture_close(Fixture *fixture)
{
    writer_close(fixture->writer);
    store_close(fixture->store);
}

Applied fixture_apply(Fixture *fixture, Batch *batch, Fault fault)
{
    Err err = {.code = OK};
    Applied applied = {.generation = 0};
    fixture->now++;
    CHECK_OK(writer_apply(fixture->writer, batch, fault, fixture->now, &applied, &err));
    batch_release(batch);
    *batch = batch_init();
    return applied;
}

Station a_station(const char *id)
{
    Station station = kit_station(id);
    station.reference = station.label = station.id;
    return station;
}

Measure a_measure(const char *id, const char *station_id, const char *parameter,
                  const char *qualifier)
{
    Measure measure = kit_measure(id, station_id);
    measure.label = measure.id;
    measure.parameter = measure.parameter_name = str_of(parameter);
    measure.qualifier = str_of(qualifier);
    measure.value_type = STR("instantaneous");
    measure.unit = STR("mASD");
    measure.datum = STR("datumASD");
    measure.period_s = 900;
    return measure;
}

void add_reading(Batch *batch, const char *measure_id, UnixSec time, double value)
{
    const BatchReading reading = {
        .reading = {.measure_id = str_of(measure_id), .time = time, .value = value}};
    REQUIRE(batch_add_reading(batch, &reading));
}

/* Ids that are odd in every way that an URL knows: a blank, a slash, dots, not ASCII, a plus, a
 * percent sign, and none at all. */
static const char *const ODD_IDS[] = {"A B", "SU37/63", "H_obs.upstream", "caf\xc3\xa9", "A+B",
                                      "50%", ""};

static void add_odd_stations(Batch *batch)
{
    for (size_t i = 0; i < countof(ODD_IDS); i++) {
        Station station = a_station(ODD_IDS[i]);
        Str measure_id;
        Buf name = buf_init(100);
        buf_printf(&name, "%s-rainfall", ODD_IDS[i]);
        REQUIRE(arena_copy(&batch->strings, buf_view(&name), &measure_id));
        buf_release(&name);
        Measure measure =
            a_measure(measure_id.ptr, ODD_IDS[i], "rainfall", "Tipping Bucket Raingauge");
        REQUIRE(batch_add_station(batch, &station));
        REQUIRE(batch_add_measure(batch, &measure));
        add_reading(batch, measure_id.ptr, FIXTURE_NOW - 1800, 0.2);
    }
}

static void add_thames(Batch *batch)
{
    Station thames = a_station("1491TH");
    thames.label = STR("Abingdon, \"Lock\"");
    thames.river = STR("River Thames");
    thames.catchment = STR("Thames, Upper");
    thames.town = STR("Abingdon");
    thames.lat_deg = 51.67;
    thames.long_deg = -1.28;
    thames.easting_m = 449100;
    thames.northing_m = 196900;
    thames.status = STR("Active");
    thames.rloi_id = STR("7075");
    thames.wiski_id = STR("W1491");
    thames.stage = (Scale){.typical_low = 0.1,
                           .typical_high = 0.9,
                           .record_high = 4.25,
                           .record_low = NAN,
                           .record_high_time = STR("2007-07-22T00:00:00")};
    const Measure level = a_measure("1491TH-level", "1491TH", "level", "Stage");
    Measure flow = a_measure("1491TH-flow", "1491TH", "flow", "");
    flow.unit = STR("m3/s");
    REQUIRE(batch_add_station(batch, &thames));
    REQUIRE(batch_add_type(batch, STR("1491TH"), STR("SingleLevel")));
    REQUIRE(batch_add_measure(batch, &level));
    REQUIRE(batch_add_measure(batch, &flow));
    for (int i = 0; i < 96; i++)
        if (i != 40) /* one slot is missing */
            add_reading(batch, "1491TH-level", FIXTURE_NOW - 1800 - i * 900, 0.413 + i * 0.001);
    add_reading(batch, "1491TH-flow", FIXTURE_NOW - 1800, -32.768); /* suspect */
    add_reading(batch, "1491TH-flow", FIXTURE_NOW - 2710, 12);      /* off its grid */
}

static void add_others(Batch *batch)
{
    Station ock = a_station("OCK1");
    ock.reference = STR("TWIN");
    ock.river = STR("River Ock");
    ock.lat_deg = 51.60;
    ock.long_deg = -1.40;
    Station far = a_station("FAR1");
    far.reference = STR("TWIN");
    far.lat_deg = 54.9;
    far.long_deg = -1.5;
    const Station bare = a_station("BARE"); /* without measures */
    const Measure ock_level = a_measure("OCK1-level", "OCK1", "level", "Stage");
    const Measure far_level = a_measure("FAR1-tide", "FAR1", "level", "Tidal Level");
    const Measure silent = a_measure("FAR1-wind", "FAR1", "wind", ""); /* without readings */
    const Measure known = a_measure("FAR1-temp", "FAR1", "temperature", "Air");
    REQUIRE(batch_add_station(batch, &ock) && batch_add_station(batch, &far) &&
            batch_add_station(batch, &bare));
    REQUIRE(batch_add_type(batch, STR("FAR1"), STR("Coastal")));
    REQUIRE(batch_add_measure(batch, &ock_level) && batch_add_measure(batch, &far_level) &&
            batch_add_measure(batch, &silent) && batch_add_measure(batch, &known));
    for (int i = 0; i < 4; i++)
        add_reading(batch, "OCK1-level", FIXTURE_NOW - 1800 - i * 900, 1 + i * 0.25);
    add_reading(batch, "FAR1-tide", FIXTURE_NOW - 6 * 86400, 2.5); /* long silent */
    add_reading(batch, "FAR1-temp", FIXTURE_NOW - 9 * 86400,
                7.5); /* last known: behind its window */
}

void fixture_fill(Fixture *fixture)
{
    Batch batch = batch_init();
    batch.has_all_stations = batch.has_all_measures = true;
    add_thames(&batch);
    add_others(&batch);
    add_odd_stations(&batch);
    Applied applied = fixture_apply(fixture, &batch, FAULT_NONE);
    CHECK_INT(1, applied.generation);
    batch_release(&batch);
}

ServerOptions test_server_options(void)
{
    return (ServerOptions){.listen = "127.0.0.1:0",
                           .thread_count = 2,
                           .max_connections = 200,
                           .idle_timeout_s = 30,
                           .max_target_bytes = 8192,
                           .max_parameters = 200,
                           .max_response_bytes = 64 << 20,
                           .max_json_items = 100000,
                           .cache_bytes = 8 << 20,
                           .spool_dir = test_dir(),
                           .spool_bytes = 64 << 20,
                           .build = "test",
                           .upstream = "http://upstream.test",
                           .shard = "2/5",
                           .poll_interval_s = 900,
                           .window_s = WINDOW_MAX_S,
                           .heartbeat_ms = 15000,
                           .slow_subscriber_ms = 20000};
}
