#include "tests/served.h"

void serve(Served *served, const ServerOptions *options)
{
    Err err = {.code = OK};
    *served = (Served){.fixture = fixture_open(), .options = *options};
    fixture_fill(&served->fixture);
    REQUIRE_OK(server_start(served->fixture.store, &served->options, &served->server, &err));
    served->port = server_port(served->server);
}

void serve_no_more(Served *served)
{
    server_stop(served->server);
    fixture_close(&served->fixture);
}
