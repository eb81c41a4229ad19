#include "export/manifest.h"

#include "base/clock.h"
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------- */

static void put_str(JsonWriter *json, const char *key, Str value)
{
    json_key(json, key);
    json_str(json, value);
}

static void put_int(JsonWriter *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void put_time(JsonWriter *json, const char *key, UnixSec time)
{
    json_key(json, key);
    json_time(json, time);
}

static void put_object(JsonWriter *json, const ManifestObject *object)
{
    json_open(json, '{');
    put_str(json, "name", object->name);
    put_str(json, "key", object->key);
    put_str(json, "content_type", object->content_type);
    put_int(json, "bytes", object->bytes);
    put_str(json, "sha256", str_of(object->sha256));
    put_int(json, "rows", object->rows);
    put_time(json, "first", object->first);
    put_time(json, "last", object->last);
    json_close(json, '}');
}

void manifest_render(const Manifest *manifest, Buf *out)
{
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    put_int(&json, "format", MANIFEST_FORMAT);
    put_str(&json, "shard", manifest->shard);
    put_str(&json, "generation", manifest->generation);
    put_time(&json, "as_of", manifest->as_of);
    put_int(&json, "stations", manifest->stations);
    put_int(&json, "measures", manifest->measures);
    put_int(&json, "readings", manifest->readings);
    put_time(&json, "first", manifest->first);
    put_time(&json, "last", manifest->last);
    json_key(&json, "objects");
    json_open(&json, '[');
    for (size_t i = 0; i < manifest->object_count; i++)
        put_object(&json, &manifest->objects[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    buf_put_char(out, '\n');
}

void latest_pointer_render(const LatestPointer *pointer, Buf *out)
{
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    put_int(&json, "format", MANIFEST_FORMAT);
    put_str(&json, "shard", pointer->shard);
    put_str(&json, "generation", pointer->generation);
    put_time(&json, "as_of", pointer->as_of);
    put_str(&json, "manifest", pointer->manifest_key);
    put_str(&json, "sha256", str_of(pointer->manifest_sha256));
    json_close(&json, '}');
    buf_put_char(out, '\n');
}

/* ---- reading: only what we write, so that text with an escape is refused, not decoded ------------ */

typedef struct Fields {
    Str object;
    Arena *arena;
    ErrCode rc;
    Err *err;
} Fields;

static void lacks(Fields *fields, const char *key)
{
    if (fields->rc == OK)
        fields->rc = err_set(fields->err, ERR_FORMAT, "manifest: '%s' is missing or wrong", key);
}

static Str find(Fields *fields, const char *key)
{
    Str value = STR_NONE;
    if (fields->rc == OK && !json_member(fields->object, str_of(key), &value))
        lacks(fields, key);
    return value;
}

static Str get_text(Fields *fields, const char *key)
{
    Str value = find(fields, key), copy = STR_NONE;
    if (fields->rc != OK)
        return STR_NONE;
    if (value.len < 2 || value.ptr[0] != '"' || memchr(value.ptr, '\\', value.len) != NULL)
        lacks(fields, key);
    else if (!arena_copy(fields->arena, (Str){value.ptr + 1, value.len - 2}, &copy))
        fields->rc = err_set(fields->err, ERR_NO_MEMORY, "no memory for a manifest");
    return copy;
}

static int64_t get_int(Fields *fields, const char *key)
{
    int64_t number = 0;
    Str value = find(fields, key);
    if (fields->rc == OK && (!str_to_int(value, &number) || number < 0))
        lacks(fields, key);
    return number;
}

static UnixSec get_time(Fields *fields, const char *key)
{
    UnixSec time = NO_TIME;
    if (str_eq(find(fields, key), STR("null")))
        return NO_TIME;
    Str text = get_text(fields, key);
    if (fields->rc == OK && !clock_parse(text, &time))
        lacks(fields, key);
    return time;
}

static void get_sha256(Fields *fields, const char *key, char ret[static SHA256_HEX_SIZE])
{
    Str text = get_text(fields, key);
    if (fields->rc != OK)
        return;
    if (text.len != SHA256_HEX_SIZE - 1)
        lacks(fields, key);
    else
        memcpy(ret, text.ptr, SHA256_HEX_SIZE); /* with the NUL that arena_copy() put behind it */
}

static void check_format(Fields *fields)
{
    int64_t format = get_int(fields, "format");
    if (fields->rc == OK && format != MANIFEST_FORMAT)
        fields->rc =
            err_set(fields->err, ERR_FORMAT, "manifest: its format is %" PRId64 ", ours is %d",
                    format, MANIFEST_FORMAT);
}

static void get_object(Fields *fields, ManifestObject *object)
{
    object->name = get_text(fields, "name");
    object->key = get_text(fields, "key");
    object->content_type = get_text(fields, "content_type");
    object->bytes = get_int(fields, "bytes");
    object->rows = get_int(fields, "rows");
    object->first = get_time(fields, "first");
    object->last = get_time(fields, "last");
    get_sha256(fields, "sha256", object->sha256);
}

static void get_objects(Fields *fields, Manifest *manifest)
{
    JsonWalk walk = json_walk(find(fields, "objects"));
    Str key, value;
    while (fields->rc == OK && json_next(&walk, &key, &value)) {
        if (manifest->object_count == MANIFEST_OBJECTS_MAX)
            return lacks(fields, "objects");
        Fields inner = {.object = value, .arena = fields->arena, .rc = OK, .err = fields->err};
        get_object(&inner, &manifest->objects[manifest->object_count++]);
        fields->rc = inner.rc;
    }
    if (walk.broken || walk.close != ']')
        lacks(fields, "objects");
}

ErrCode manifest_parse(Str json, Arena *arena, Manifest *ret_manifest, Err *err)
{
    Fields fields = {.object = json, .arena = arena, .rc = OK, .err = err};
    Manifest manifest = {.object_count = 0};
    check_format(&fields);
    manifest.shard = get_text(&fields, "shard");
    manifest.generation = get_text(&fields, "generation");
    manifest.as_of = get_time(&fields, "as_of");
    manifest.stations = get_int(&fields, "stations");
    manifest.measures = get_int(&fields, "measures");
    manifest.readings = get_int(&fields, "readings");
    manifest.first = get_time(&fields, "first");
    manifest.last = get_time(&fields, "last");
    get_objects(&fields, &manifest);
    if (fields.rc == OK)
        *ret_manifest = manifest;
    return fields.rc;
}

ErrCode manifest_get(const BlobStore *blobs, Str shard, Str generation, Buf *json, Arena *arena,
                     Manifest *ret_manifest, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    Manifest manifest;
    key_of_generation(&key, shard, generation, "manifest.json");
    ErrCode rc = blobs->get(blobs->ctx, buf_view(&key), json, err);
    if (rc == OK)
        rc = manifest_parse(buf_view(json), arena, &manifest, err);
    if (rc == OK && (!str_eq(manifest.generation, generation) || !str_eq(manifest.shard, shard)))
        rc = err_set(err, ERR_FORMAT, "the manifest is of another generation");
    if (rc == OK)
        *ret_manifest = manifest;
    return rc;
}

const ManifestObject *manifest_find(const Manifest *manifest, Str name)
{
    for (size_t i = 0; i < manifest->object_count; i++)
        if (str_eq(manifest->objects[i].name, name))
            return &manifest->objects[i];
    return NULL;
}

ErrCode latest_pointer_parse(Str json, Arena *arena, LatestPointer *ret_pointer, Err *err)
{
    Fields fields = {.object = json, .arena = arena, .rc = OK, .err = err};
    LatestPointer pointer = {.as_of = NO_TIME};
    check_format(&fields);
    pointer.shard = get_text(&fields, "shard");
    pointer.generation = get_text(&fields, "generation");
    pointer.as_of = get_time(&fields, "as_of");
    pointer.manifest_key = get_text(&fields, "manifest");
    get_sha256(&fields, "sha256", pointer.manifest_sha256);
    if (fields.rc == OK)
        *ret_pointer = pointer;
    return fields.rc;
}

/* ---- keys -------------------------------------------------------------------------------------- */

static void key_end(Buf *out)
{
    buf_put_char(out, '\0');
    out->len -= out->error == OK ? 1 : 0; /* the NUL stands behind the view */
}

void key_of_generation(Buf *out, Str shard, Str tag, const char *file)
{
    buf_clear(out);
    buf_printf(out, "gen/" STR_FMT "/" STR_FMT "/%s", STR_ARG(shard), STR_ARG(tag), file);
    key_end(out);
}

void key_of_latest(Buf *out, Str shard)
{
    buf_clear(out);
    buf_printf(out, "gen/" STR_FMT "/latest.json", STR_ARG(shard));
    key_end(out);
}
