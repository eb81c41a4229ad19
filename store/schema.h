/* store/schema.h - the tables as text, one version number each, migrations in order. Private to the
 * folder. */
#pragma once
#include "store/sql.h"

typedef struct Schema {
    int64_t application_id;        /* says in the file's header whose it is */
    const char *const *migrations; /* [i] brings version i to i + 1; [0] makes everything */
    int64_t version;               /* their number */
} Schema;

extern const Schema STORE_SCHEMA, LEDGER_SCHEMA, SPOOL_SCHEMA;

/* Whose file this is, before anything in it is believed. */
typedef enum SchemaFound {
    SCHEMA_NONE,    /* no table: to be made */
    SCHEMA_OURS,    /* of our version or an older one */
    SCHEMA_NEWER,   /* made by a later build */
    SCHEMA_FOREIGN, /* somebody else's database */
} SchemaFound;
/* Errors: ERR_CORRUPT (no database at all, or damaged), ERR_STORAGE. */
MUST_USE ErrCode schema_find(Db *db, const Schema *schema, SchemaFound *ret_found,
                             int64_t *ret_version, Err *err);

/* Brings an open file of ours, or an empty one, to the newest version, in one transaction. */
MUST_USE ErrCode schema_migrate(Db *db, const Schema *schema, Err *err);
