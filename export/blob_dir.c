/* export/blob_dir.c - a directory as BlobStore: a key is a path below it.
 *
 * An object is written beside its place under a name that no key has, flushed, and renamed: a reader,
 * or a crash, meets the whole object or the one before. */
#include "base/array.h"
#include "base/file.h"
#include "base/until.h"
#include "export/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MAX = 1024, PATH_SIZE = 4096 };
static const char UNFINISHED[] = ".unfinished"; /* ends the name of what is being written */

typedef struct Dir {
    Until until;
    char path[PATH_SIZE - KEY_MAX - 16];
} Dir;

static ErrCode fail(Err *err, const char *what, const char *path)
{
    return err_set(err, ERR_STORAGE, "export: %s '%.150s': %s", what, path, strerror(errno));
}

/* ---- keys and paths ---------------------------------------------------------------------------- */

static bool is_part(Str part)
{
    return part.len > 0 && !str_eq(part, STR(".")) && !str_eq(part, STR("..")) &&
           !str_ends(part, str_of(UNFINISHED));
}

static bool is_key(Str key)
{
    Str part, rest = key;
    if (key.len > KEY_MAX || memchr(key.ptr, '\0', key.len) != NULL)
        return false;
    while (str_cut(rest, '/', &part, &rest))
        if (!is_part(part))
            return false;
    return is_part(rest);
}

static ErrCode path_of(const Dir *dir, Str key, char path[static PATH_SIZE], Err *err)
{
    if (!is_key(key))
        return err_set(err, ERR_INVALID, "export: '" STR_FMT "' cannot be a key", STR_ARG(key));
    (void) snprintf(path, PATH_SIZE, "%s/" STR_FMT, dir->path, STR_ARG(key));
    return OK;
}

/* The folders above `path`. */
static ErrCode make_folders(char *path, Err *err)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, 0750);
        if (rc != 0 && errno != EEXIST)
            return fail(err, "cannot make", path);
        *slash = '/';
    }
    return OK;
}

/* A rename lasts when its folder was flushed. */
static ErrCode flush_folder(const char *path, Err *err)
{
    char folder[PATH_SIZE];
    (void) snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, "cannot open", folder);
    int rc = fsync(fd);
    (void) close(fd);
    return rc == 0 ? OK : fail(err, "cannot flush", folder);
}

/* ---- put --------------------------------------------------------------------------------------- */

static ErrCode write_all(int fd, Str bytes, const char *path, Err *err)
{
    return file_write(fd, bytes) ? OK : fail(err, "cannot write", path);
}

/* `bytes` of the file `from`, or all that it has when that is INT64_MAX. */
static ErrCode copy_file(const Dir *dir, int from, int64_t bytes, int to, const char *path,
                         Err *err)
{
    char *piece = malloc(FILE_PIECE_BYTES);
    if (piece == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory to copy");
    ErrCode rc = OK;
    for (int64_t at = 0; at < bytes && rc == OK;) {
        int64_t left = bytes - at;
        ssize_t got =
            pread(from, piece, left < FILE_PIECE_BYTES ? (size_t) left : FILE_PIECE_BYTES, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = fail(err, "cannot read for", path);
        else if (got == 0 && bytes != INT64_MAX)
            rc = err_set(err, ERR_STORAGE, "export: what was to go to '%.150s' is cut", path);
        else if (got == 0)
            break;
        else
            rc = write_all(to, (Str){piece, (size_t) got}, path, err);
        if (rc == OK)
            rc = until_check(&dir->until, err);
        at += got;
    }
    free(piece);
    return rc;
}

static ErrCode write_body(const Dir *dir, const char *path, const BlobBody *body, Err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(err, "cannot make", path);
    ErrCode rc = str_is_none(body->memory) ? copy_file(dir, body->fd, body->bytes, fd, path, err)
                                           : write_all(fd, body->memory, path, err);
    if (rc == OK && fsync(fd) != 0)
        rc = fail(err, "cannot flush", path);
    if (close(fd) != 0 && rc == OK)
        rc = fail(err, "cannot close", path);
    return rc;
}

static ErrCode dir_put(void *ctx, Str key, UNUSED const char *content_type,
                       UNUSED const char *storage_class, const BlobBody *body, Err *err)
{
    const Dir *dir = ctx;
    char path[PATH_SIZE], unfinished[PATH_SIZE + sizeof UNFINISHED];
    ErrCode rc = until_check(&dir->until, err);
    if (rc == OK)
        rc = path_of(dir, key, path, err);
    if (rc == OK)
        rc = make_folders(path, err);
    if (rc != OK)
        return rc;
    (void) snprintf(unfinished, sizeof unfinished, "%s%s", path, UNFINISHED);
    rc = write_body(dir, unfinished, body, err);
    if (rc == OK && rename(unfinished, path) != 0)
        rc = fail(err, "cannot rename to", path);
    if (rc == OK)
        rc = flush_folder(path, err);
    else
        (void) unlink(unfinished);
    return rc;
}

/* ---- get --------------------------------------------------------------------------------------- */

static ErrCode open_key(const Dir *dir, Str key, char path[static PATH_SIZE], int *ret_fd, Err *err)
{
    ErrCode rc = path_of(dir, key, path, err);
    if (rc != OK)
        return rc;
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd >= 0)
        return OK;
    return errno == ENOENT || errno == ENOTDIR
               ? err_set(err, ERR_NOT_FOUND, "export: there is no '%.150s'", path)
               : fail(err, "cannot open", path);
}

static ErrCode dir_get(void *ctx, Str key, Buf *out, Err *err)
{
    char path[PATH_SIZE];
    int fd = -1;
    ErrCode rc = open_key(ctx, key, path, &fd, err);
    char piece[16384];
    for (ssize_t got = 1; rc == OK && got > 0;) {
        got = read(fd, piece, sizeof piece);
        if (got < 0)
            rc = fail(err, "cannot read", path);
        else
            buf_put(out, piece, (size_t) got);
    }
    if (rc == OK)
        rc = buf_check(out, err);
    if (fd >= 0)
        (void) close(fd);
    return rc;
}

static ErrCode dir_get_file(void *ctx, Str key, int to, Err *err)
{
    char path[PATH_SIZE];
    int fd = -1;
    ErrCode rc = open_key(ctx, key, path, &fd, err);
    if (rc != OK)
        return rc;
    rc = copy_file(ctx, fd, INT64_MAX, to, path, err);
    (void) close(fd);
    return rc;
}

/* ---- list -------------------------------------------------------------------------------------- */

typedef struct Found {
    char *key;
    int64_t bytes;
    UnixSec modified;
} Found;

typedef struct Listing {
    Str prefix;
    bool unfinished; /* what is being written, or was, and no object */
    Found *items;
    size_t count, cap;
} Listing;

static void listing_release(Listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->items[i].key);
    free(listing->items);
}

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "export: no memory to list keys");
}

static ErrCode add_found(Listing *listing, const char *key, const struct stat *st, Err *err)
{
    if (!str_starts(str_of(key), listing->prefix) ||
        str_ends(str_of(key), str_of(UNFINISHED)) != listing->unfinished)
        return OK;
    if (!array_room(&listing->items, listing->count, &listing->cap, sizeof *listing->items))
        return no_memory(err);
    Found found = {
        .key = strdup(key), .bytes = (int64_t) st->st_size, .modified = st->st_mtim.tv_sec};
    if (found.key == NULL)
        return no_memory(err);
    listing->items[listing->count++] = found;
    return OK;
}

/* Whether a folder's keys can begin with the prefix. */
static bool may_hold(Str prefix, Str folder)
{
    return str_starts(folder, prefix) || str_starts(prefix, folder);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as keys have parts */
static ErrCode list_folder(Listing *listing, const char *root, const char *folder, Err *err)
{
    char path[PATH_SIZE], key[KEY_MAX + 2];
    (void) snprintf(path, sizeof path, "%s/%s", root, folder);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? OK : fail(err, "cannot list", path);
    ErrCode rc = OK;
    for (struct dirent *entry; rc == OK && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
            continue;
        bool is_folder = S_ISDIR(st.st_mode);
        if (snprintf(key, sizeof key, "%s%s%s", folder, entry->d_name, is_folder ? "/" : "") >
            KEY_MAX)
            continue;
        if (!is_folder)
            rc = add_found(listing, key, &st, err);
        else if (may_hold(listing->prefix, str_of(key)))
            rc = list_folder(listing, root, key, err);
    }
    (void) closedir(dir);
    return rc;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const Found *) a)->key, ((const Found *) b)->key);
}

static ErrCode dir_list(void *ctx, Str prefix, BlobFn *each, void *each_ctx, Err *err)
{
    const Dir *dir = ctx;
    CLEANUP(listing_release) Listing listing = {.prefix = prefix};
    ErrCode rc = list_folder(&listing, dir->path, "", err);
    if (rc != OK)
        return rc;
    if (listing.count > 0)
        qsort(listing.items, listing.count, sizeof *listing.items, by_key);
    for (size_t i = 0; i < listing.count; i++) {
        const Found *found = &listing.items[i];
        if (!each(str_of(found->key), found->bytes, found->modified, each_ctx))
            break;
    }
    return OK;
}

/* ---- the rest ---------------------------------------------------------------------------------- */

/* Folders that become empty go too: a partition without files is no partition. */
static ErrCode dir_remove(void *ctx, Str key, Err *err)
{
    const Dir *dir = ctx;
    char path[PATH_SIZE];
    ErrCode rc = path_of(dir, key, path, err);
    if (rc != OK)
        return rc;
    /* Where the whole directory is away, an object that is in it is not removed. */
    if (unlink(path) != 0 && (errno != ENOENT || access(dir->path, F_OK) != 0))
        return fail(err, "cannot remove", path);
    size_t root = strlen(dir->path);
    for (char *slash = strrchr(path, '/'); slash > path + root; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (rmdir(path) != 0)
            break;
    }
    return OK;
}

static ErrCode dir_sweep(void *ctx, UnixSec before, BlobTestFn *is_meant, void *test_ctx,
                         int *ret_count, Err *err)
{
    const Dir *dir = ctx;
    CLEANUP(listing_release) Listing listing = {.prefix = STR(""), .unfinished = true};
    ErrCode rc = list_folder(&listing, dir->path, "", err);
    *ret_count = 0;
    for (size_t i = 0; i < listing.count && rc == OK; i++) {
        char path[PATH_SIZE];
        const Found *found = &listing.items[i];
        const Str key = {found->key, strlen(found->key) - strlen(UNFINISHED)};
        if (found->modified >= before || !is_meant(key, test_ctx))
            continue;
        (void) snprintf(path, sizeof path, "%s/%s", dir->path, found->key);
        if (unlink(path) != 0 && errno != ENOENT)
            rc = fail(err, "cannot remove", path);
        *ret_count += rc == OK;
    }
    return rc;
}

static void dir_hurry(void *ctx, int64_t at_ms)
{
    Dir *dir = ctx;
    until_set(&dir->until, at_ms);
}

static void dir_describe(void *ctx, Buf *out)
{
    const Dir *dir = ctx;
    buf_printf(out, "directory %s", dir->path);
}

ErrCode blob_dir_open(const char *path, BlobStore *ret_blobs, Err *err)
{
    Dir *dir = calloc(1, sizeof *dir);
    if (dir == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory");
    until_init(&dir->until);
    int len = snprintf(dir->path, sizeof dir->path, "%s", path);
    if (len <= 0 || (size_t) len >= sizeof dir->path) {
        free(dir);
        return err_set(err, ERR_INVALID, "export: the path is too long: '%.100s...'", path);
    }
    while (len > 1 && dir->path[len - 1] == '/')
        dir->path[--len] = '\0';
    char folders[PATH_SIZE];
    (void) snprintf(folders, sizeof folders, "%s/", dir->path);
    Err untold; /* it may come back: a put will tell when it has not */
    (void) make_folders(folders, &untold);
    *ret_blobs = (BlobStore){
        .ctx = dir,
        .put = dir_put,
        .get = dir_get,
        .get_file = dir_get_file,
        .list = dir_list,
        .remove = dir_remove,
        .sweep = dir_sweep,
        .describe = dir_describe,
        .hurry = dir_hurry,
        .close = free,
    };
    return OK;
}

void blob_store_close(BlobStore *blobs)
{
    if (blobs->close != NULL)
        blobs->close(blobs->ctx);
    *blobs = (BlobStore){.ctx = NULL};
}

BlobBody blob_memory(Str bytes)
{
    BlobBody body = {.memory = bytes, .fd = -1, .bytes = (int64_t) bytes.len};
    sha256_of(bytes, body.sha256);
    return body;
}
