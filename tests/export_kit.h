/* tests/export_kit.h - exports made by hand, for the tests of what reads them. */
#pragma once
#include "export/blob.h"
#include "store/snapshot.h"

Buf kit_read_file(const char *path); /* aborts the test when it is not there; owned by the caller */
void kit_put(const BlobStore *blobs, const char *key, Str bytes);
/* A manifest of `info` that vouches for `object` under `key` as its store, of shard 1of1. */
void kit_put_manifest(const BlobStore *blobs, const SnapshotInfo *info, const char *key,
                      Str object);
/* The store as it is now: its object and its manifest. `dir` is for what is in between. */
void kit_export(const BlobStore *blobs, Store *store, const char *dir,
                char ret_tag[static GENERATION_TAG_SIZE]);
