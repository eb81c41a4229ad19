/* export/manifest.h - what an exported generation consists of, and where everything lies.
 *
 *   gen/<shard>/<epoch>-<number>/store.db.zst      the store itself, zstd: to restore from
 *   gen/<shard>/<epoch>-<number>/readings.parquet  the whole window, by station, measure, time
 *   gen/<shard>/<epoch>-<number>/readings.csv.gz   the same
 *   gen/<shard>/<epoch>-<number>/stations.geojson
 *   gen/<shard>/<epoch>-<number>/manifest.json     put after all of these: with it they are complete
 *   gen/<shard>/latest.json                        moves last of all
 *   latest/<table>/<shard>.<suffix>                copies: readings, readings_csv, stations
 *   history/readings/dt=YYYY-MM-DD/<part>.parquet  readings as they came; dt: of the reading's time
 *   history/stations/<part>.parquet, history/measures/<part>.parquet   the lists, when they changed
 *
 * <shard> is "1of1"; <epoch> 8 hex digits; <number> a generation's decimal number; <part> names the
 * shard, the generation up to which it goes, and what makes it unlike every other part. Equal
 * generations have equal keys under gen/ and equal bytes, so that exporting one again harms nobody.
 *
 * When a generation's manifest stands, history holds every reading that came up to that generation:
 * of a store that is restored from it, history goes on behind it.
 *
 * manifest.json (format 1; unknown members are to be passed over; null where not known):
 *   {"format":1,"shard":"1of1","generation":"7f3a1b2c-9","as_of":"2026-01-20T12:05:00Z",
 *    "stations":5400,"measures":7700,"readings":480000,
 *    "first":"2026-01-19T11:45:00Z","last":"2026-01-20T12:00:00Z",
 *    "objects":[{"name":"store","key":"gen/1of1/7f3a1b2c-9/store.db.zst",
 *                "content_type":"application/zstd","bytes":6000000,"sha256":"<64 hex digits>",
 *                "rows":480000,"first":"...","last":"..."}, ...]}
 *   names: store, readings_parquet, readings_csv, stations_geojson.
 * latest.json: {"format":1,"shard":"1of1","generation":"7f3a1b2c-9","as_of":"...",
 *    "manifest":"gen/1of1/7f3a1b2c-9/manifest.json","sha256":"<of its bytes, 64 hex digits>"} */
#pragma once
#include "base/arena.h"
#include "export/blob.h"

enum { MANIFEST_FORMAT = 1, MANIFEST_OBJECTS_MAX = 8, MANIFEST_MAX_BYTES = 64 * 1024 };

typedef struct ManifestObject {
    Str name, key, content_type;
    int64_t bytes, rows;
    char sha256[SHA256_HEX_SIZE]; /* of the object as it lies there */
    UnixSec first, last;          /* time of its readings; NO_TIME: none, or no readings in it */
} ManifestObject;

typedef struct Manifest {
    Str shard, generation; /* "<epoch>-<number>" */
    UnixSec as_of;         /* commit time of the generation */
    int64_t stations, measures, readings;
    UnixSec first, last; /* of the readings inside their station's window; NO_TIME: none */
    ManifestObject objects[MANIFEST_OBJECTS_MAX];
    size_t object_count;
} Manifest;

/* JSON and a line end; `out`'s sticky error is the caller's to check. */
void manifest_render(const Manifest *manifest, Buf *out);
/* Strings are copied to `arena`. Errors: ERR_FORMAT (no manifest, of another format, or one that
 * lacks what it must have), ERR_NO_MEMORY. */
MUST_USE ErrCode manifest_parse(Str json, Arena *arena, Manifest *ret_manifest, Err *err);
/* The manifest of a generation, as it lies there; its JSON is appended to `json`, of a ceiling of
 * MANIFEST_MAX_BYTES. Errors: those of the BlobStore and of manifest_parse(); ERR_FORMAT: it is another one's. */
MUST_USE ErrCode manifest_get(const BlobStore *blobs, Str shard, Str generation, Buf *json,
                              Arena *arena, Manifest *ret_manifest, Err *err);
/* NULL: it has no such object. */
const ManifestObject *manifest_find(const Manifest *manifest, Str name);

/* latest.json: which manifest is the newest. */
typedef struct LatestPointer {
    Str shard, generation;
    UnixSec as_of;
    Str manifest_key;
    char manifest_sha256[SHA256_HEX_SIZE];
} LatestPointer;
void latest_pointer_render(const LatestPointer *pointer, Buf *out);
MUST_USE ErrCode latest_pointer_parse(Str json, Arena *arena, LatestPointer *ret_pointer, Err *err);

/* ---- keys: NUL-terminated, in a Buf that is cleared before ---------------------------------------- */

void key_of_generation(Buf *out, Str shard, Str tag,
                       const char *file); /* gen/<shard>/<tag>/<file> */
void key_of_latest(Buf *out, Str shard);  /* gen/<shard>/latest.json */
