#include "export/manifest.h"
#include "tests/test.h"

static Manifest an_example(void)
{
    Manifest manifest = {
        .shard = STR("1of1"),
        .generation = STR("7f3a1b2c-9"),
        .as_of = 1700000000,
        .stations = 3,
        .measures = 5,
        .readings = 480,
        .first = 1699913700,
        .last = 1699999200,
        .object_count = 2,
    };
    manifest.objects[0] = (ManifestObject){
        .name = STR("store"),
        .key = STR("gen/1of1/7f3a1b2c-9/store.db.zst"),
        .content_type = STR("application/zstd"),
        .bytes = 4096,
        .rows = 480,
        .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .first = 1699913700,
        .last = 1699999200,
    };
    manifest.objects[1] = manifest.objects[0];
    manifest.objects[1].name = STR("stations_geojson");
    manifest.objects[1].first = manifest.objects[1].last = NO_TIME;
    return manifest;
}

TEST(export_manifest_reads_back_what_it_writes)
{
    Err err = {.code = OK};
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf one = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(buf_release) Buf two = buf_init(MANIFEST_MAX_BYTES);
    const Manifest manifest = an_example();
    Manifest got;
    manifest_render(&manifest, &one);
    REQUIRE_OK(manifest_parse(buf_view(&one), &arena, &got, &err));
    manifest_render(&got, &two);
    CHECK_STR(buf_view(&one), buf_view(&two));
    CHECK_INT(NO_TIME, got.objects[1].first);
    CHECK(manifest_find(&got, STR("store")) == &got.objects[0]);
    CHECK(manifest_find(&got, STR("shop")) == NULL);
}

TEST(export_manifest_refuses_what_is_none)
{
    static const struct {
        const char *name, *cut, *instead;
    } cases[] = {
        {"cut off", "\"objects\"", NULL},
        {"another format", "\"format\":1", "\"format\":2"},
        {"no shard", "\"shard\"", "\"shart\""},
        {"a negative count", "\"readings\":480", "\"readings\":-1"},
        {"no such day", "2023-11-14", "2023-02-30"},
        {"a short digest", "\"sha256\":\"0123", "\"sha256\":\""},
        {"objects that are none", "\"objects\":[{", "\"objects\":[4,{"},
        {"an escape", "7f3a1b2c-9", "7f3a\\n-9"},
    };
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf good = buf_init(MANIFEST_MAX_BYTES);
    const Manifest manifest = an_example();
    manifest_render(&manifest, &good);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf bad = buf_init(MANIFEST_MAX_BYTES);
        Err err = {.code = OK};
        Manifest got = {.readings = 77};
        size_t at = 0;
        Str all = buf_view(&good), cut = str_of(cases[i].cut);
        CASE(cases[i].name);
        REQUIRE(str_find(all, cut, &at));
        buf_put(&bad, all.ptr, at);
        if (cases[i].instead != NULL) {
            buf_put_str(&bad, str_of(cases[i].instead));
            buf_put(&bad, all.ptr + at + cut.len, all.len - at - cut.len);
        }
        CHECK_INT(ERR_FORMAT, manifest_parse(buf_view(&bad), &arena, &got, &err));
        CHECK_INT(77, got.readings);
    }
}

TEST(export_latest_pointer_reads_back_what_it_writes)
{
    Err err = {.code = OK};
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf text = buf_init(MANIFEST_MAX_BYTES);
    LatestPointer got, pointer = {
                           .shard = STR("2of5"),
                           .generation = STR("7f3a1b2c-9"),
                           .as_of = 1700000000,
                           .manifest_key = STR("gen/2of5/7f3a1b2c-9/manifest.json"),
                       };
    sha256_hex((const unsigned char *) "01234567890123456789012345678901", pointer.manifest_sha256);
    latest_pointer_render(&pointer, &text);
    REQUIRE_OK(latest_pointer_parse(buf_view(&text), &arena, &got, &err));
    CHECK_STR(pointer.manifest_key, got.manifest_key);
    CHECK_TEXT(pointer.manifest_sha256, str_of(got.manifest_sha256));
    CHECK_INT(pointer.as_of, got.as_of);
    CHECK_INT(ERR_FORMAT, latest_pointer_parse(STR("[]"), &arena, &got, &err));
}
