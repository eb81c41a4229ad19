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
} Meta;

/* `statement`: READ_META or WRITE_READ_META, which are one text on two connections.
 * Errors: ERR_CORRUPT (no row, or one that we did not write), ERR_STORAGE. */
MUST_USE ErrCode meta_read(Db *db, int statement, Meta *ret_meta, Err *err);
/* All but the epoch. On the connection that writes, inside a transaction. */
MUST_USE ErrCode meta_write(Db *db, const Meta *meta, Err *err);
