/* model/change.h - what changed, and how far one who follows the changes has come.
 *
 * Plain values and pure functions. */
#pragma once
#include "model/model.h"

typedef enum ChangeKind {
    CHANGE_STATION, /* new, or something about it is */
    CHANGE_MEASURE,
    CHANGE_READING,
    CHANGE_CORRECTION, /* a reading whose value the upstream changed */
    CHANGE_FRESHNESS,  /* a measure became late, stale or silent, or came back */
    CHANGE_STATION_GONE,
    CHANGE_MEASURE_GONE,
    CHANGE_KIND_COUNT
} ChangeKind;

/* Sets of kinds are bits. */
#define CHANGE_BIT(kind) (1U << (kind))
enum {
    CHANGES_ALL = CHANGE_BIT(CHANGE_KIND_COUNT) - 1,
    CHANGES_READINGS = CHANGE_BIT(CHANGE_READING) | CHANGE_BIT(CHANGE_CORRECTION),
};

/* The plural: "readings". What is gone, of either kind, is "removals". */
const char *change_kind_name(ChangeKind kind);

/* Borrowed, all of it. What it was is not told, only what it is: a thing that changed several times
 * is told once, where it changed last. */
typedef struct Change {
    ChangeKind kind;
    uint64_t generation; /* that brought it */
    uint64_t place; /* in its generation, where changes are numbered from 0 on, once for ever */
    const Station *station; /* that it is about, or of its measure; NULL: it is gone */
    const Measure *measure; /* NULL for a station, and when it is gone */
    const Reading *reading; /* of a measure: its newest, or NULL */
    const Str *measure_ids; /* of a station */
    size_t measure_id_count;
    Str gone_station,
        gone_measure; /* ids, of what is gone; of a station alone: the other is none */
} Change;

/* Behind all of `generation`, and the first `taken` places of the one numbered next.
 * "<epoch>-<generation>" or "<epoch>-<generation>.<taken>": so a generation's own name is a cursor. */
typedef struct ChangeCursor {
    uint32_t epoch; /* numbers of different epochs have nothing to do with one another */
    uint64_t generation;
    uint64_t taken;
} ChangeCursor;

/* An epoch as it is written: eight lower-case hex digits. False: it is none. */
bool epoch_parse(Str text, uint32_t *ret);

enum { CHANGE_CURSOR_SIZE = 56 };
void change_cursor_format(const ChangeCursor *cursor, char text[static CHANGE_CURSOR_SIZE]);
/* False: it is no cursor; *ret is left alone. */
bool change_cursor_parse(Str text, ChangeCursor *ret);
/* The cursor just behind `change`. */
ChangeCursor change_cursor_behind(uint32_t epoch, const Change *change);
