/* tests/client.h - a small HTTP/1.1 client over a raw socket, and a store to serve.
 *
 * It sends what it is told, byte for byte, and shows what came back. */
#pragma once
#include "model/batch.h"
#include "server/server.h"
#include "store/writer.h"
#include "tests/test.h"

/* ---- the client ------------------------------------------------------------------------------ */

typedef struct Client {
    int fd;
    Buf in; /* received and not yet taken */
} Client;

typedef struct Response {
    int status; /* 0: the connection ended without an answer */
    Buf head;   /* status line and fields, as they came */
    Buf body;   /* chunks joined */
} Response;

Client client_open(unsigned port); /* aborts the test when nobody listens */
void client_close(Client *client);
void client_send(Client *client, Str bytes);
/* The next answer. `has_body` false: that of a HEAD. Waits at most 20 s. */
Response client_receive(Client *client, bool has_body);
/* The head alone; what follows is taken by the chunk. */
Response client_receive_head(Client *client);
/* Appends the next chunk. False: that was the last, or the connection ended, or 20 s passed. */
bool client_receive_chunk(Client *client, Buf *ret);
/* True when the peer has closed it, waiting at most 20 s for that. */
bool client_is_closed(Client *client);
/* The same, looking for at most 20 ms. */
bool client_is_closed_now(Client *client);

/* One request on a connection that stays open. `fields`: each ends with \r\n. */
Response client_ask(Client *client, const char *method, const char *target, const char *fields);
/* The same on a connection of its own. */
Response http_ask(unsigned port, const char *method, const char *target, const char *fields);
Response http_fetch(unsigned port, const char *target);

void response_release(Response *response);
/* The value of a field, case ignored; none when it is not there. */
Str response_field(const Response *response, const char *name);
Str response_body(const Response *response);

/* ---- a store to serve ------------------------------------------------------------------------ */

/* A store in test_dir() with one Writer; commits are made at `now`, which moves by itself. */
typedef struct Fixture {
    Store *store;
    Writer *writer;
    UnixSec now; /* of the last commit */
} Fixture;

/* 2026-11-22T10:00:00Z: where the fixtures' clocks begin. */
#define FIXTURE_NOW ((UnixSec) 1795341600)

Fixture fixture_open(void);
void fixture_close(Fixture *fixture);
/* Applies and empties the batch, one second after the last. */
Applied fixture_apply(Fixture *fixture, Batch *batch, Fault fault);
/* The little country: every kind of station and measure that a test asks for. See client.c. */
void fixture_fill(Fixture *fixture);

Station a_station(const char *id);
Measure a_measure(const char *id, const char *station_id, const char *parameter,
                  const char *qualifier);
void add_reading(Batch *batch, const char *measure_id, UnixSec time, double value);

/* Options that let everything pass, on a free port of 127.0.0.1. */
ServerOptions test_server_options(void);
