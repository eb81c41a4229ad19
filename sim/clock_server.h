/* sim/clock_server.h - lends the simulator's clock to the programs under test.
 *
 * Text lines over TCP. A client says
 *     sleep MS       it, and everything in it, sleeps until that unix millisecond
 *     sleep never    until it is told otherwise
 *     awake          something else woke it
 *     ack            it has taken in a `now`
 * and hears
 *     now MS         at connect, and at each jump
 *     go             its sleep is over; what it says next may be `sleep`
 * When every client sleeps and has answered every `now`, time jumps to the least of their times.
 * While one is awake, or none is connected, time stands still. Everything else in the simulator is
 * a function of time, so it needs no events of its own. */
#pragma once
#include "base/err.h"

typedef struct ClockServer ClockServer;

/* Listens on `host`, at a port of the system's choice. Owns: ends with clock_server_stop().
 * Errors: ERR_NETWORK, ERR_NO_MEMORY. */
MUST_USE ErrCode clock_server_start(const char *host, ClockServer **ret_server, Err *err);
uint16_t clock_server_port(const ClockServer *server);
void clock_server_stop(ClockServer *server); /* NULL is fine */
