#include "tests/export_kit.h"

#include "base/compress.h"
#include "export/manifest.h"
#include "store/backup.h"
#include "tests/test.h"

#include <stdio.h>

Buf kit_read_file(const char *path)
{
    Buf bytes = buf_init(64 << 20);
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL);
    for (size_t got = 1; got > 0;) {
        char *to = buf_reserve(&bytes, 65536);
        REQUIRE(to != NULL);
        got = fread(to, 1, 65536, file);
        buf_grew(&bytes, got);
    }
    (void) fclose(file);
    return bytes;
}

void kit_put(const BlobStore *blobs, const char *key, Str bytes)
{
    Err err = {.code = OK};
    BlobBody body = blob_memory(bytes);
    REQUIRE_OK(blobs->put(blobs->ctx, str_of(key), "x/y", NULL, &body, &err));
}

void kit_put_manifest(const BlobStore *blobs, const SnapshotInfo *info, const char *key, Str object)
{
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(buf_release) Buf manifest_key = buf_init(1000);
    unsigned char digest[SHA256_BYTES];
    Manifest manifest = {.shard = STR("1of1"),
                         .generation = str_of(info->tag),
                         .as_of = info->as_of,
                         .readings = info->readings,
                         .first = NO_TIME,
                         .last = NO_TIME,
                         .object_count = 1};
    manifest.objects[0] = (ManifestObject){.name = STR("store"),
                                           .key = str_of(key),
                                           .content_type = STR("application/zstd"),
                                           .bytes = (int64_t) object.len,
                                           .first = NO_TIME,
                                           .last = NO_TIME};
    sha256_of(object, digest);
    sha256_hex(digest, manifest.objects[0].sha256);
    manifest_render(&manifest, &json);
    key_of_generation(&manifest_key, STR("1of1"), str_of(info->tag), "manifest.json");
    kit_put(blobs, manifest_key.ptr, buf_view(&json));
}

void kit_export(const BlobStore *blobs, Store *store, const char *dir,
                char ret_tag[static GENERATION_TAG_SIZE])
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    CLEANUP(buf_release) Buf object = buf_init(64 << 20);
    CLEANUP(buf_release) Buf key = buf_init(1000);
    Err err = {.code = OK};
    char copy[400];
    (void) snprintf(copy, sizeof copy, "%s/copy", dir);
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    REQUIRE_OK(snapshot_backup(snap, copy, NULL, &err));
    CLEANUP(buf_release) Buf plain = kit_read_file(copy);
    REQUIRE_OK(compress_zstd(buf_view(&plain), &object, &err));
    const SnapshotInfo *info = snapshot_info(snap);
    key_of_generation(&key, STR("1of1"), str_of(info->tag), "store.db.zst");
    kit_put(blobs, key.ptr, buf_view(&object));
    kit_put_manifest(blobs, info, key.ptr, buf_view(&object));
    (void) snprintf(ret_tag, GENERATION_TAG_SIZE, "%s", info->tag);
}
