/* store/meta.h - the one row of table meta: which generation this is. Private to the folder. */
#pragma once
#include "model/model.h"
#include "store/sql.h"

typedef struct Meta {
    uint32_t epoch;
    uint64_t generation;
    UnixSec as_of;
    Service service;
    int64_t stations, measures, readings; /* rows held */
    bool is_copy;               /* it was opened from a copy, and has made no generation since */
    uint32_t epoch_before;      /* the copy's */
    uint64_t epoch_before_last; /* the generation that was copied; 0: never was one */
} Meta;

/* `statement`: READ_META or WRITE_READ_META, which are one text on two connections.
 * Errors: ERR_CORRUPT (no row, or one that we did not write), ERR_STORAGE. */
MUST_USE ErrCode meta_read(Db *db, int statement, Meta *ret_meta, Err *err);
/* On the connection that writes, inside a transaction. */
MUST_USE ErrCode meta_write(Db *db, const Meta *meta, Err *err);

/* Numbers go on where an epoch ends: a number alone tells its epoch. */
uint32_t meta_epoch_of(const Meta *meta, uint64_t generation);

/* Before the first new generation after a copy: the copy's epoch ends with its generation. */
void meta_leave_copy(Meta *meta);
