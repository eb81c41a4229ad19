/* sim/fault.h - what goes wrong, when, where and how often.
 *
 * A fault is written as a query: kind=status&status=503&retry_after=30&path=/data/readings&count=2
 *     kind         one of the table in sim/fault.c
 *     path         only targets that begin so, from /id or /data on; without it, all
 *     count        so many answers, then it is over; without it, until it is cleared
 *     percent      of the answers it could befall, the same ones each time; without it, all
 *     from, for    a time (RFC 3339, or PT10M after now) and a duration (PT40M)
 *     status, retry_after (s), ms, bytes, seconds, to   as the kind needs them
 * Guarded by its owner's lock. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

typedef enum FaultKind {
    FAULT_NONE,
    FAULT_STATUS,   /* `status`, HTML; Retry-After where given */
    FAULT_HTML,     /* 200 with a page */
    FAULT_SLOW,     /* nothing for `ms`, then the answer */
    FAULT_TRICKLE,  /* a byte each `ms` */
    FAULT_CUT,      /* the connection is dropped after `bytes`; without them, at half */
    FAULT_ENDLESS,  /* the answer's last bracket never comes, blanks for ever instead */
    FAULT_BROKEN,   /* half of the JSON, ended as if it were all */
    FAULT_GARBAGE,  /* 200, application/json, but no JSON */
    FAULT_EMPTY,    /* 200 with nothing */
    FAULT_REDIRECT, /* 302 to `to`; without it, to itself */
    FAULT_DOWN,     /* the connection is closed without an answer */
    FAULT_STUCK,    /* no release comes out any more */
    FAULT_SKEW,     /* Date is wrong by `seconds` */
} FaultKind;

enum { FAULT_TEXT_SIZE = 256, FAULTS_MAX = 256 };

typedef struct Fault {
    FaultKind kind;
    char path[FAULT_TEXT_SIZE], to[FAULT_TEXT_SIZE];
    int64_t count; /* answers left; INT64_MAX: no end */
    UnixSec from, until;
    int64_t status, retry_after_s, ms, bytes, seconds; /* bytes: -1 where not given */
    uint32_t ppm;                                      /* of a million answers */
    uint64_t seen;                                     /* answers it could have befallen */
} Fault;

typedef struct Faults {
    Fault list[FAULTS_MAX];
    size_t count;
} Faults;

/* Reads one as written above; `now` is when it is said. Errors: ERR_INVALID (unknown kind or
 * parameter, a number that is none), ERR_NO_MEMORY. */
MUST_USE ErrCode fault_parse(Str spec, UnixSec now, Fault *ret_fault, Err *err);
MUST_USE ErrCode faults_add(Faults *faults, const Fault *fault, Err *err); /* ERR_TOO_LARGE */
/* A script: lines of `TIME SPEC`, blank ones and those that begin with # aside. TIME is RFC 3339 or
 * +PT10M after `start`. Errors: as fault_parse(), with the line's number. */
MUST_USE ErrCode faults_add_script(Faults *faults, Str script, UnixSec start, Err *err);

/* The fault that befalls the answer to `target`, and counts it. False: none does. */
bool faults_take(Faults *faults, Str target, UnixSec now, Fault *ret_fault);
/* When releases stopped, by FAULT_STUCK: NO_TIME when they did not. */
UnixSec faults_stuck_since(const Faults *faults, UnixSec now);
int64_t faults_skew_s(const Faults *faults, UnixSec now);
