/* What is compressed comes out again, by the libraries' own readers. */
#include "base/compress.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static void check_gunzips(Str coded, Str plain)
{
    char *out = malloc(plain.len + 1);
    z_stream z = {.next_in = (Bytef *) (uintptr_t) coded.ptr,
                  .avail_in = (uInt) coded.len,
                  .next_out = (Bytef *) out,
                  .avail_out = (uInt) plain.len + 1};
    REQUIRE(out != NULL && inflateInit2(&z, 15 + 16) == Z_OK);
    CHECK_INT(Z_STREAM_END, inflate(&z, Z_FINISH));
    CHECK_STR(plain, ((Str){out, z.total_out}));
    (void) inflateEnd(&z);
    free(out);
}

static void check_unzstds(Str coded, Str plain)
{
    char *out = malloc(plain.len + 1);
    REQUIRE(out != NULL);
    size_t len = ZSTD_decompress(out, plain.len + 1, coded.ptr, coded.len);
    REQUIRE(!ZSTD_isError(len));
    CHECK_STR(plain, ((Str){out, len}));
    free(out);
}

TEST(compressed_bytes_come_out_again)
{
    enum { MANY = 200000 };
    CLEANUP(buf_release) Buf many = buf_init(1 << 20);
    for (int i = 0; many.len < MANY; i++)
        buf_printf(&many, "%d,", i * i);
    const Str cases[] = {STR(""), STR("a"), buf_view(&many)};
    for (size_t i = 0; i < countof(cases); i++) {
        Err err = {.code = OK};
        CLEANUP(buf_release) Buf gzip = buf_init(1 << 20);
        CLEANUP(buf_release) Buf zstd = buf_init(1 << 20);
        CHECK_OK(compress_gzip(cases[i], &gzip, &err));
        CHECK_OK(compress_zstd(cases[i], &zstd, &err));
        check_gunzips(buf_view(&gzip), cases[i]);
        check_unzstds(buf_view(&zstd), cases[i]);
    }
}

TEST(compression_keeps_to_the_ceiling)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf small = buf_init(10);
    CHECK_INT(ERR_TOO_LARGE, compress_gzip(STR("0123456789"), &small, &err));
    buf_clear(&small);
    CHECK_INT(ERR_TOO_LARGE, compress_zstd(STR("0123456789"), &small, &err));
}

TEST(packed_bytes_are_given_back)
{
    CLEANUP(buf_release) Buf plain = buf_init(1 << 20);
    CLEANUP(buf_release) Buf packed = buf_init(1 << 20);
    Err err = {.code = OK};
    for (int i = 0; i < 500; i++)
        buf_printf(&plain, "{\"time\":%d,\"value\":%d}\n", i * 900, i * i % 77);
    CHECK_OK(compress_pack(buf_view(&plain), &packed, &err));
    CHECK(packed.len < plain.len / 4);
    char *out = malloc(plain.len);
    REQUIRE(out != NULL);
    CHECK(compress_unpack(buf_view(&packed), out, plain.len));
    CHECK_STR(buf_view(&plain), ((Str){out, plain.len}));
    CASE("too little room");
    CHECK(!compress_unpack(buf_view(&packed), out, plain.len - 1));
    free(out);
}
