#include "export/object.h"

#include "base/compress.h"
#include "base/file.h"
#include "export/tables.h"
#include "model/render.h"
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, BUF_MAX = 64 << 20 };

typedef enum Kind { STORE, READINGS_PARQUET, READINGS_CSV, STATIONS_GEOJSON } Kind;

static const struct {
    const char *name, *file, *content_type;
    const char *latest; /* folder of its copy and suffix; NULL: it has none */
    const char *suffix;
} KINDS[OBJECT_COUNT] = {
    [STORE] = {"store", "store.db.zst", "application/zstd", NULL, NULL},
    [READINGS_PARQUET] = {"readings_parquet", "readings.parquet", "application/vnd.apache.parquet",
                          "readings", "parquet"},
    [READINGS_CSV] = {"readings_csv", "readings.csv.gz", "application/gzip", "readings_csv",
                      "csv.gz"},
    [STATIONS_GEOJSON] = {"stations_geojson", "stations.geojson", "application/geo+json",
                          "stations", "geojson"},
};

/* ---- readings: both formats in one walk -------------------------------------------------------- */

typedef struct Walk {
    Stem stem; /* of the measure under way */
    Objects *objects;
    ParquetWriter *parquet;
    Compressor *gzip;
    FieldSet fields;
    Row row; /* of the measure under way */
    Buf csv, gzipped;
    int64_t rows;
    UnixSec first, last;
    ErrCode rc;
    Err *err;
} Walk;

/* What has gathered as text moves on. */
static ErrCode flush_csv(Walk *walk, bool last)
{
    ErrCode rc = buf_check(&walk->csv, walk->err);
    if (rc == OK)
        rc = compressor_put(walk->gzip, buf_view(&walk->csv), last, &walk->gzipped, walk->err);
    if (rc == OK)
        rc = outfile_put(&walk->objects->files[READINGS_CSV], buf_view(&walk->gzipped), walk->err);
    buf_clear(&walk->csv);
    buf_clear(&walk->gzipped);
    return rc;
}

static bool begin_measure(const Station *station, const Measure *measure, UNUSED Window kept,
                          void *ctx)
{
    Walk *walk = ctx;
    walk->row = (Row){.station = station, .measure = measure};
    return true;
}

static void note_time(Walk *walk, UnixSec time)
{
    if (walk->first == NO_TIME || time < walk->first)
        walk->first = time;
    if (walk->last == NO_TIME || time > walk->last)
        walk->last = time;
    walk->rows++;
}

static bool add_reading(const Reading *reading, void *ctx)
{
    Walk *walk = ctx;
    const Measure *measure = walk->row.measure;
    const TableReading row = {
        .measure_id = measure->id,
        .station_id = measure->station_id,
        .time = reading->time,
        .received = reading->received,
        .value = reading->value,
        .flags = reading->flags |
                 reading_meaning_flags(reading, measure, measure_scale(measure, walk->row.station)),
        .revision = reading->revision,
        .generation = walk->objects->manifest.generation,
    };
    note_time(walk, reading->time);
    walk->row.reading = reading;
    render_csv_on(&walk->csv, &walk->stem, &walk->fields, &walk->row);
    walk->rc = table_add_reading(walk->parquet, &row, walk->err);
    if (walk->rc == OK && walk->csv.len >= PIECE_BYTES)
        walk->rc = flush_csv(walk, false);
    return walk->rc == OK;
}

static ErrCode walk_readings(Walk *walk, Snapshot *snap)
{
    const ReadingVisitor visitor = {
        .each_measure = begin_measure, .each_reading = add_reading, .ctx = walk};
    const Filter everything = {.freshness = 0};
    render_csv_header(&walk->csv, &walk->fields);
    ErrCode rc = snapshot_each_reading(snap, &everything, window_everything(), &visitor, walk->err);
    if (rc == OK)
        rc = walk->rc;
    if (rc == OK)
        rc = flush_csv(walk, true);
    return rc == OK ? parquet_end(walk->parquet, walk->err) : rc;
}

static ErrCode make_readings(Objects *objects, Snapshot *snap, Err *err)
{
    Walk walk = {
        .objects = objects,
        .gzip = compressor_new(CODEC_GZIP),
        .fields = field_set_default(READING_FIELDS, FIELD_CSV),
        .csv = buf_init(BUF_MAX),
        .gzipped = buf_init(BUF_MAX),
        .first = NO_TIME,
        .last = NO_TIME,
        .rc = OK,
        .err = err,
    };
    ErrCode rc = walk.gzip != NULL ? OK : err_set(err, ERR_NO_MEMORY, "export: no memory for gzip");
    if (rc == OK)
        rc = parquet_begin(READINGS_TABLE.columns, READINGS_TABLE.column_count, PARQUET_GROUP_ROWS,
                           &objects->files[READINGS_PARQUET], &walk.parquet, err);
    if (rc == OK)
        rc = walk_readings(&walk, snap);
    parquet_close(walk.parquet);
    compressor_free(walk.gzip);
    buf_release(&walk.csv);
    buf_release(&walk.gzipped);
    objects->manifest.first = walk.first;
    objects->manifest.last = walk.last;
    for (Kind kind = READINGS_PARQUET; kind <= READINGS_CSV; kind++)
        objects->manifest.objects[kind].rows = walk.rows;
    return rc;
}

/* ---- stations ---------------------------------------------------------------------------------- */

typedef struct Features {
    OutFile *file;
    FieldSet fields;
    Buf text;
    int64_t rows;
    ErrCode rc;
    Err *err;
} Features;

static bool add_station(const Station *station, const Str *measure_ids, size_t count, void *ctx)
{
    Features *features = ctx;
    const Row row = {.station = station, .measure_ids = measure_ids, .measure_id_count = count};
    buf_put_str(&features->text, features->rows++ > 0 ? STR(",\n") : STR("\n"));
    render_geojson(&features->text, &features->fields, &row);
    if (features->text.len < PIECE_BYTES)
        return true;
    features->rc = buf_check(&features->text, features->err);
    if (features->rc == OK)
        features->rc = outfile_put(features->file, buf_view(&features->text), features->err);
    buf_clear(&features->text);
    return features->rc == OK;
}

static ErrCode make_stations(Objects *objects, Snapshot *snap, Err *err)
{
    Features features = {
        .file = &objects->files[STATIONS_GEOJSON],
        .fields = field_set_default(STATION_FIELDS, FIELD_JSON),
        .text = buf_init(BUF_MAX),
        .rc = OK,
        .err = err,
    };
    const Filter everything = {.freshness = 0};
    BUF_LITERAL(&features.text, "{\"type\":\"FeatureCollection\",\"features\":[");
    ErrCode rc = snapshot_each_station(snap, &everything, add_station, &features, err);
    if (rc == OK)
        rc = features.rc;
    BUF_LITERAL(&features.text, "\n]}\n");
    if (rc == OK)
        rc = buf_check(&features.text, err);
    if (rc == OK)
        rc = outfile_put(features.file, buf_view(&features.text), err);
    buf_release(&features.text);
    objects->manifest.objects[STATIONS_GEOJSON].rows = features.rows;
    return rc;
}

/* ---- the store --------------------------------------------------------------------------------- */

static ErrCode compress_file(int fd, OutFile *to, Err *err)
{
    CLEANUP(buf_release) Buf piece = buf_init(FILE_PIECE_BYTES);
    CLEANUP(buf_release) Buf out = buf_init(BUF_MAX);
    Compressor *zstd = compressor_new(CODEC_ZSTD);
    char *from = buf_reserve(&piece, FILE_PIECE_BYTES);
    ErrCode rc = zstd != NULL && from != NULL
                     ? OK
                     : err_set(err, ERR_NO_MEMORY, "export: no memory to compress");
    for (ssize_t got = 1; rc == OK && got > 0;) {
        got = read(fd, from, FILE_PIECE_BYTES);
        if (got < 0) {
            rc = err_set(err, ERR_STORAGE, "export: read backup: %s", strerror(errno));
            break;
        }
        rc = compressor_put(zstd, (Str){from, (size_t) got}, got == 0, &out, err);
        if (rc == OK)
            rc = outfile_put(to, buf_view(&out), err);
        buf_clear(&out);
    }
    compressor_free(zstd);
    return rc;
}

/* The copy has a name only while SQLite writes it. */
static ErrCode back_up(Snapshot *snap, const ObjectOptions *options, int *ret_fd, Err *err)
{
    char path[4096];
    (void) snprintf(path, sizeof path, "%s/export.backup", options->dir);
    ErrCode rc = snapshot_backup(snap, path, options->until, err);
    if (rc == OK) {
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (*ret_fd < 0)
            rc = err_set(err, ERR_STORAGE, "export: '%.150s': %s", path, strerror(errno));
    }
    (void) unlink(path);
    return rc;
}

/* ---- all of them ------------------------------------------------------------------------------- */

static bool copy_texts(Objects *objects, const ObjectOptions *options, const SnapshotInfo *info)
{
    Manifest *manifest = &objects->manifest;
    Arena *arena = &objects->arena;
    bool ok = arena_copy(arena, str_of(options->shard), &manifest->shard) &&
              arena_copy(arena, str_of(info->tag), &manifest->generation);
    CLEANUP(buf_release) Buf key = buf_init(1024);
    for (size_t i = 0; i < OBJECT_COUNT && ok; i++) {
        key_of_generation(&key, manifest->shard, manifest->generation, KINDS[i].file);
        manifest->objects[i] = (ManifestObject){.name = str_of(KINDS[i].name),
                                                .content_type = str_of(KINDS[i].content_type),
                                                .first = NO_TIME,
                                                .last = NO_TIME};
        ok = key.error == OK && arena_copy(arena, buf_view(&key), &manifest->objects[i].key);
    }
    return ok;
}

static ErrCode begin(Objects *objects, Snapshot *snap, const ObjectOptions *options, Err *err)
{
    const SnapshotInfo *info = snapshot_info(snap);
    StoreCounts counts;
    ErrCode rc = snapshot_counts(snap, &counts, err);
    if (rc != OK)
        return rc;
    if (!copy_texts(objects, options, info))
        return err_set(err, ERR_NO_MEMORY, "export: no memory for a manifest");
    Manifest *manifest = &objects->manifest;
    manifest->as_of = info->as_of;
    manifest->stations = counts.stations;
    manifest->measures = counts.measures;
    manifest->readings = counts.readings;
    manifest->object_count = OBJECT_COUNT;
    for (size_t i = 0; i < OBJECT_COUNT && rc == OK; i++)
        rc = outfile_open(options->dir, options->until, &objects->files[i], err);
    return rc;
}

/* The copy of the store is compressed when the snapshot is closed: the log shall not wait for it. */
static ErrCode make_all(Objects *objects, Snapshot **snap, const ObjectOptions *options, Err *err)
{
    int backup = -1;
    ErrCode rc = begin(objects, *snap, options, err);
    if (rc == OK)
        rc = back_up(*snap, options, &backup, err);
    if (rc == OK)
        rc = make_readings(objects, *snap, err);
    if (rc == OK)
        rc = make_stations(objects, *snap, err);
    snapshot_close(TAKE(*snap));
    if (rc == OK)
        rc = compress_file(backup, &objects->files[STORE], err);
    if (backup >= 0)
        (void) close(backup);
    return rc;
}

ErrCode objects_make(Snapshot **snap, const ObjectOptions *options, Objects *ret_objects, Err *err)
{
    Objects objects = {.arena = arena_init()};
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        objects.files[i].fd = -1;
    ErrCode rc = make_all(&objects, snap, options, err);
    if (rc != OK) {
        objects_release(&objects);
        return rc;
    }
    Manifest *manifest = &objects.manifest;
    manifest->objects[STORE].rows = manifest->readings;
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        ManifestObject *object = &manifest->objects[i];
        objects.bodies[i] = outfile_body(&objects.files[i]);
        object->bytes = objects.bodies[i].bytes;
        sha256_hex(objects.bodies[i].sha256, object->sha256);
        if (i != STATIONS_GEOJSON) {
            object->first = manifest->first;
            object->last = manifest->last;
        }
    }
    *ret_objects = objects;
    return OK;
}

void objects_release(Objects *objects)
{
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        outfile_close(&objects->files[i]);
    arena_release(&objects->arena);
}

/* ---- putting ----------------------------------------------------------------------------------- */

static ErrCode put_text(const BlobStore *blobs, Str key, Str json, Err *err)
{
    const BlobBody body = blob_memory(json);
    return blobs->put(blobs->ctx, key, "application/json", NULL, &body, err);
}

static ErrCode put_copies(const Objects *objects, const BlobStore *blobs, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    ErrCode rc = OK;
    for (size_t i = 0; i < OBJECT_COUNT && rc == OK; i++) {
        if (KINDS[i].latest == NULL)
            continue;
        buf_clear(&key);
        buf_printf(&key, "latest/%s/" STR_FMT ".%s", KINDS[i].latest,
                   STR_ARG(objects->manifest.shard), KINDS[i].suffix);
        rc = blobs->put(blobs->ctx, buf_view(&key), KINDS[i].content_type, NULL,
                        &objects->bodies[i], err);
    }
    return rc;
}

static ErrCode put_pointer(const Manifest *manifest, Str manifest_key, Str manifest_json,
                           const BlobStore *blobs, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    LatestPointer pointer = {
        .shard = manifest->shard,
        .generation = manifest->generation,
        .as_of = manifest->as_of,
        .manifest_key = manifest_key,
    };
    unsigned char digest[SHA256_BYTES];
    sha256_of(manifest_json, digest);
    sha256_hex(digest, pointer.manifest_sha256);
    latest_pointer_render(&pointer, &json);
    key_of_latest(&key, manifest->shard);
    return put_text(blobs, buf_view(&key), buf_view(&json), err);
}

ErrCode objects_put(const Objects *objects, const ObjectOptions *options, const BlobStore *blobs,
                    Buf *manifest, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    ErrCode rc = OK;
    for (size_t i = 0; i < OBJECT_COUNT && rc == OK; i++)
        rc = blobs->put(blobs->ctx, objects->manifest.objects[i].key, KINDS[i].content_type,
                        options->storage_class, &objects->bodies[i], err);
    manifest_render(&objects->manifest, manifest);
    if (rc == OK)
        rc = buf_check(manifest, err);
    key_of_generation(&key, objects->manifest.shard, objects->manifest.generation, "manifest.json");
    if (rc == OK)
        rc = put_text(blobs, buf_view(&key), buf_view(manifest), err);
    if (rc == OK)
        rc = put_copies(objects, blobs, err);
    return rc == OK
               ? put_pointer(&objects->manifest, buf_view(&key), buf_view(manifest), blobs, err)
               : rc;
}
