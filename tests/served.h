/* tests/served.h - a server on a free port of 127.0.0.1, over the little country of fixture_fill(). */
#pragma once
#include "tests/client.h"

typedef struct Served {
    Fixture fixture;
    ServerOptions options;
    Server *server;
    unsigned port;
} Served;

void serve(Served *served, const ServerOptions *options);
void serve_no_more(Served *served);
