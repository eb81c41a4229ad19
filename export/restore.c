#include "export/restore.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/log.h"
#include "export/manifest.h"
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MANIFEST[] = "manifest.json";

/* ---- which there are --------------------------------------------------------------------------- */

typedef struct Export {
    Str tag;
    int64_t number;
    UnixSec modified; /* of its manifest: when it was complete */
} Export;

typedef struct Exported {
    Str prefix; /* gen/<shard>/ */
    Arena arena;
    Export *items; /* owned */
    size_t count, cap;
    bool no_memory;
} Exported;

static void exported_release(Exported *exported)
{
    arena_release(&exported->arena);
    free(exported->items);
}

static bool add_export(Exported *exported, Str tag, UnixSec modified)
{
    Export export = {.modified = modified};
    (void) str_to_int(str_after_last(tag, '-'), &export.number);
    if (!array_room(&exported->items, exported->count, &exported->cap, sizeof export) ||
        !arena_copy(&exported->arena, tag, &export.tag))
        return false;
    exported->items[exported->count++] = export;
    return true;
}

/* gen/<shard>/<tag>/manifest.json */
static bool take_key(Str key, UNUSED int64_t bytes, UnixSec modified, void *ctx)
{
    Exported *exported = ctx;
    Str tag, file, rest = {key.ptr + exported->prefix.len, key.len - exported->prefix.len};
    if (str_cut(rest, '/', &tag, &file) && str_eq(file, str_of(MANIFEST)))
        exported->no_memory = !add_export(exported, tag, modified);
    return !exported->no_memory;
}

/* Newest first. Numbers alone do not tell: a store that was begun anew begins at 1. */
static int by_age(const void *a, const void *b)
{
    const Export *one = a, *other = b;
    if (one->modified != other->modified)
        return one->modified > other->modified ? -1 : 1;
    return one->number > other->number ? -1 : one->number < other->number;
}

static ErrCode find_exports(const BlobStore *blobs, Exported *exported, Err *err)
{
    ErrCode rc = blobs->list(blobs->ctx, exported->prefix, take_key, exported, err);
    if (rc == OK && exported->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "restore: no memory for the list");
    if (rc == OK && exported->count > 0)
        qsort(exported->items, exported->count, sizeof *exported->items, by_age);
    return rc;
}

/* ---- one of them ------------------------------------------------------------------------------- */

static void closep(const int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

static ErrCode open_file(const char *path, int *ret_fd, Err *err)
{
    *ret_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return *ret_fd >= 0 ? OK
                        : err_set(err, ERR_STORAGE, "restore: '%s' cannot be made: %s", path,
                                  strerror(errno));
}

/* It is not in the way of who asks for room on the disk, and is gone whatever ends us. */
static ErrCode open_nameless(const char *path, int *ret_fd, Err *err)
{
    char name[4096];
    (void) snprintf(name, sizeof name, "%s.zst", path);
    ErrCode rc = open_file(name, ret_fd, err);
    if (rc == OK)
        (void) unlink(name);
    return rc;
}

static ErrCode digest_file(int fd, int64_t *ret_bytes, char ret_sha256[static SHA256_HEX_SIZE],
                           Err *err)
{
    enum { PIECE = 1 << 20 };
    unsigned char digest[SHA256_BYTES];
    char *piece = malloc(PIECE);
    Sha256 *sha = sha256_new();
    ErrCode rc =
        piece != NULL && sha != NULL ? OK : err_set(err, ERR_NO_MEMORY, "restore: no memory");
    *ret_bytes = 0;
    for (ssize_t got = 1; rc == OK && got > 0; *ret_bytes += got) {
        got = pread(fd, piece, PIECE, *ret_bytes);
        if (got < 0)
            rc = err_set(err, ERR_STORAGE, "restore: cannot read: %s", strerror(errno));
        else
            sha256_add(sha, (Str){piece, (size_t) got});
    }
    if (rc == OK) {
        sha256_end(sha, digest);
        sha256_hex(digest, ret_sha256);
    }
    sha256_free(sha);
    free(piece);
    return rc;
}

static ErrCode check_object(int fd, const ManifestObject *object, Err *err)
{
    char sha256[SHA256_HEX_SIZE];
    int64_t bytes = 0;
    ErrCode rc = digest_file(fd, &bytes, sha256, err);
    if (rc != OK)
        return rc;
    if (bytes != object->bytes || strcmp(sha256, object->sha256) != 0)
        return err_set(err, ERR_FORMAT,
                       "restore: the store object is not what its manifest says (%" PRId64
                       " bytes of %" PRId64 ")",
                       bytes, object->bytes);
    return OK;
}

/* The file is flushed: a store that is served must survive a power cut. */
static ErrCode unpack(int from, const char *path, Err *err)
{
    CLEANUP(closep) int to = -1;
    ErrCode rc = open_file(path, &to, err);
    if (rc == OK)
        rc = uncompress_zstd_file(from, to, err);
    if (rc == OK && fsync(to) != 0)
        rc = err_set(err, ERR_STORAGE, "restore: cannot flush: %s", strerror(errno));
    return rc;
}

static ErrCode check_store(const char *path, int64_t check_max_bytes, const Manifest *manifest,
                           Err *err)
{
    SnapshotInfo info;
    ErrCode rc = backup_check(path, check_max_bytes, &info, err);
    if (rc != OK)
        return rc;
    if (!str_eq(str_of(info.tag), manifest->generation) || info.readings != manifest->readings)
        return err_set(err, ERR_FORMAT, "restore: the store is of generation %s", info.tag);
    return OK;
}

static ErrCode restore_one(const BlobStore *blobs, const RestoreOptions *options, Str tag,
                           const char *path, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(closep) int fd = -1;
    Manifest manifest;
    ErrCode rc = manifest_get(blobs, options->shard, tag, &json, &arena, &manifest, err);
    if (rc != OK)
        return rc;
    const ManifestObject *object = manifest_find(&manifest, STR("store"));
    if (object == NULL)
        return err_set(err, ERR_FORMAT, "restore: the manifest names no store");
    rc = open_nameless(path, &fd, err);
    if (rc == OK)
        rc = blobs->get_file(blobs->ctx, object->key, fd, err);
    if (rc == OK)
        rc = check_object(fd, object, err);
    if (rc == OK)
        rc = unpack(fd, path, err);
    return rc == OK ? check_store(path, options->check_max_bytes, &manifest, err) : rc;
}

/* ---- all of it --------------------------------------------------------------------------------- */

/* What is wrong is not this export: the one before would fare no better. */
static bool ends_the_search(ErrCode rc)
{
    return rc == OK || rc == ERR_NETWORK || rc == ERR_STORAGE || rc == ERR_STOPPED ||
           rc == ERR_NO_MEMORY;
}

static ErrCode restore_newest(const BlobStore *blobs, const RestoreOptions *options,
                              const char *path, char ret_tag[static GENERATION_TAG_SIZE], Err *err)
{
    CLEANUP(buf_release) Buf prefix = buf_init(1024);
    buf_printf(&prefix, "gen/" STR_FMT "/", STR_ARG(options->shard));
    CLEANUP(exported_release) Exported exported = {.prefix = buf_view(&prefix)};
    ErrCode rc = find_exports(blobs, &exported, err);
    if (rc != OK)
        return rc;
    rc = err_set(err, ERR_NOT_FOUND, "restore: there is no good export of shard " STR_FMT,
                 STR_ARG(options->shard));
    for (size_t i = 0; i < exported.count; i++) {
        Err why = {.code = OK};
        Str tag = exported.items[i].tag;
        ErrCode one = restore_one(blobs, options, tag, path, &why);
        (void) snprintf(ret_tag, GENERATION_TAG_SIZE, STR_FMT, STR_ARG(tag));
        if (ends_the_search(one)) {
            *err = why;
            return one;
        }
        log_warn("restore passed over generation=" STR_FMT " error=" LOG_TEXT, STR_ARG(tag),
                 why.text);
    }
    return rc;
}

ErrCode restore_store(const BlobStore *blobs, const RestoreOptions *options, const char *path,
                      StoreOrigin *ret_origin, Err *err)
{
    CLEANUP(buf_release) Buf source = buf_init(sizeof ret_origin->source - 1);
    StoreOrigin origin = {.source = ""};
    (void) snprintf(origin.generation, sizeof origin.generation, STR_FMT,
                    STR_ARG(options->generation));
    ErrCode rc = str_is_none(options->generation)
                     ? restore_newest(blobs, options, path, origin.generation, err)
                     : restore_one(blobs, options, options->generation, path, err);
    blobs->describe(blobs->ctx, &source);
    (void) snprintf(origin.source, sizeof origin.source, STR_FMT, STR_ARG(buf_view(&source)));
    if (rc == OK)
        *ret_origin = origin;
    return rc == OK ? OK : err_context(err, "%s", origin.source);
}
