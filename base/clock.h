/* base/clock.h - what time it is, and how time is written.
 *
 * Wall time is UTC everywhere. In builds for tests (FRESHET_TEST_CLOCK) the environment variable
 * FRESHET_CLOCK=host:port makes a simulator the source of wall time: it stands still while anything
 * works and jumps to the next event once everything sleeps (base/worker.h sleeps by it). */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Wall time. Any thread. */
UnixSec clock_now(void);
int64_t clock_now_ms(void);
/* Real elapsed time, for durations and deadlines; never simulated. Any thread. */
int64_t clock_elapsed_ms(void);
int64_t clock_elapsed_us(void);

/* What work cost: how long it took, really, and how much of a processor's time its thread had. */
typedef struct Cost {
    int64_t wall_us, cpu_us;
} Cost;
/* Of the calling thread, so far: what lies between two of them is what was done between. It costs a
 * third of a microsecond itself. */
Cost clock_cost(void);
/* Adds to *to what the calling thread did since `begun`. */
void clock_add_cost(Cost *to, Cost begun);
void cost_add(Cost *to, Cost cost);

/* The moments that can be written: years 0000 to 9999. */
#define CLOCK_FIRST ((UnixSec) -62167219200)
#define CLOCK_LAST  ((UnixSec) 253402300799)

/* RFC 3339, always UTC: 2026-11-22T10:16:07Z, 20 bytes and a NUL. */
enum { CLOCK_TEXT_SIZE = 21 };
void clock_format(UnixSec time, char text[static CLOCK_TEXT_SIZE]);
/* RFC 9110 date, Sun, 22 Nov 2026 10:16:07 GMT: 29 bytes and a NUL. */
enum { CLOCK_HTTP_SIZE = 30 };
void clock_format_http(UnixSec time, char text[static CLOCK_HTTP_SIZE]);

/* RFC 3339 with an offset or Z; without either it is UTC; a fraction of a second is cut off;
 * `t` or a blank for `T`; a date alone is its midnight. Days that no month has, and moments outside
 * CLOCK_FIRST to CLOCK_LAST, are refused. */
bool clock_parse(Str text, UnixSec *ret);
bool clock_parse_http(Str text, UnixSec *ret); /* the format of clock_format_http() */
/* ISO 8601 duration of W, D, H, M, S (P1D, PT6H, PT15M30S, P1W), positive, in seconds. */
bool clock_parse_duration(Str text, int64_t *ret_s);

UnixSec clock_from_civil(int64_t year, int month, int day, int hour, int minute, int second);

/* Takes FRESHET_CLOCK into use; called once, by main, before the first thread. Without the variable
 * it does nothing. Errors: ERR_INVALID (not a test build, not host:port), ERR_NETWORK. */
MUST_USE ErrCode clock_open(Err *err);
void clock_close(void);

/* For base/worker.c alone: `sleepers` is told of each jump; the simulator learns when all sleep. */
bool clock_is_simulated(void);
void clock_set_jump_handler(void (*on_jump)(int64_t now_ms));
void clock_report_asleep(
    int64_t until_ms); /* everything sleeps until then; INT64_MAX: until woken */
void clock_report_awake(void);
