/* Codings: chosen by Accept-Encoding, made once for a generation, each with a tag of its own. */
#include "server/coding.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

TEST(the_coding_liked_best_is_taken)
{
    static const struct {
        const char *accept;
        Coding want;
    } cases[] = {
        {NULL, CODING_NONE},
        {"", CODING_NONE},
        {"gzip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"GZIP", CODING_GZIP},
        {"gzip, deflate, br, zstd", CODING_ZSTD},
        {"gzip, zstd;q=0.5", CODING_GZIP},
        {"gzip;q=0.5, zstd;q=0.6", CODING_ZSTD},
        {"gzip;q=0", CODING_NONE},
        {"zstd;q=0, *", CODING_GZIP},
        {"*", CODING_ZSTD},
        {"*;q=0", CODING_NONE},
        {"identity", CODING_NONE},
        {"identity, gzip;q=0.5", CODING_NONE},
        {"identity;q=0.5, gzip;q=0.5", CODING_GZIP},
        {"identity;q=0, br", CODING_NONE}, /* nothing fits: as it is */
        {"br, deflate", CODING_NONE},
        {"gzip;q=x", CODING_GZIP},
        {" gzip ; q=1.0 ,,", CODING_GZIP},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].accept != NULL ? cases[i].accept : "none");
        CHECK_INT(cases[i].want, coding_negotiate(str_of(cases[i].accept)));
    }
    CHECK(coding_is_acceptable(STR_NONE, CODING_NONE));
    CHECK(coding_is_acceptable(STR("gzip"), CODING_NONE));
    CHECK(!coding_is_acceptable(STR("gzip, identity;q=0"), CODING_NONE));
    CHECK(!coding_is_acceptable(STR_NONE, CODING_GZIP));
    CHECK(!coding_is_acceptable(STR("zstd"), CODING_GZIP));
    CHECK(coding_is_acceptable(STR("zstd, gzip;q=0.1"), CODING_GZIP));
}

static Asked ask_coded(Inside *inside, const char *target, const char *accept_encoding, Str known)
{
    const Head head = {.method = STR("GET"),
                       .target = str_of(target),
                       .is_http_1_1 = true,
                       .host_count = 1,
                       .accept_encoding = str_of(accept_encoding),
                       .if_none_match = known};
    return ask_head(inside, &head);
}

static void gunzip(Str coded, Buf *out)
{
    enum { ROOM = 1 << 20 };
    char *to = buf_reserve(out, ROOM);
    z_stream z = {.next_in = (Bytef *) (uintptr_t) coded.ptr,
                  .avail_in = (uInt) coded.len,
                  .next_out = (Bytef *) to,
                  .avail_out = ROOM};
    REQUIRE(to != NULL && inflateInit2(&z, 15 + 16) == Z_OK);
    CHECK_INT(Z_STREAM_END, inflate(&z, Z_FINISH));
    buf_grew(out, z.total_out);
    (void) inflateEnd(&z);
}

TEST(each_coding_is_made_once_and_has_a_tag_of_its_own)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked plain = ask_coded(&inside, "/v1/latest", NULL, STR_NONE);
    CLEANUP(asked_release) Asked gzip = ask_coded(&inside, "/v1/latest", "gzip", STR_NONE);
    CLEANUP(asked_release) Asked again = ask_coded(&inside, "/v1/latest", "gzip", STR_NONE);
    CLEANUP(asked_release) Asked zstd = ask_coded(&inside, "/v1/latest", "zstd", STR_NONE);
    CHECK_TEXT("gzip", asked_header(&gzip, "Content-Encoding"));
    CHECK_TEXT("zstd", asked_header(&zstd, "Content-Encoding"));
    CHECK(str_is_none(asked_header(&plain, "Content-Encoding")));
    CHECK(gzip.body.ptr == again.body.ptr); /* the same bytes */
    CHECK(gzip.body.len < plain.body.len && zstd.body.len < plain.body.len);
    CLEANUP(buf_release) Buf unzipped = buf_init(1 << 21);
    gunzip(gzip.body, &unzipped);
    CHECK_STR(plain.body, buf_view(&unzipped));
    Str tag = asked_header(&plain, "ETag");
    char want[100];
    (void) snprintf(want, sizeof want, "%.*s-gzip\"", (int) tag.len - 1, tag.ptr);
    CHECK_TEXT(want, asked_header(&gzip, "ETag"));
    (void) snprintf(want, sizeof want, "%.*s-zstd\"", (int) tag.len - 1, tag.ptr);
    CHECK_TEXT(want, asked_header(&zstd, "ETag"));
    CHECK_STR(asked_header(&plain, "Last-Modified"), asked_header(&gzip, "Last-Modified"));
    CHECK_STR(asked_header(&plain, "Content-Type"), asked_header(&gzip, "Content-Type"));

    CASE("papers of the build");
    CLEANUP(asked_release) Asked paper = ask_coded(&inside, "/openapi.yaml", "gzip", STR_NONE);
    CHECK_TEXT("gzip", asked_header(&paper, "Content-Encoding"));
    CHECK_TEXT("Accept-Encoding", asked_header(&paper, "Vary"));
    CASE("too small to gain");
    CLEANUP(asked_release)
    Asked small = ask_coded(&inside, "/v1/stations/OCK1/latest.csv", "gzip", STR_NONE);
    CHECK(str_is_none(asked_header(&small, "Content-Encoding")));
    CASE("errors");
    CLEANUP(asked_release)
    Asked error = ask_coded(&inside, "/v1/latest?statoin=1", "gzip", STR_NONE);
    CHECK(str_is_none(asked_header(&error, "Content-Encoding")));
    inside_close(&inside);
}

TEST(what_a_client_holds_is_known_in_the_codings_that_it_reads)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked plain = ask_coded(&inside, "/v1/latest", NULL, STR_NONE);
    CLEANUP(asked_release) Asked gzip = ask_coded(&inside, "/v1/latest", "gzip", STR_NONE);
    const struct {
        const char *name, *accept;
        Str holds;
        unsigned status;
    } cases[] = {
        {"plain, takes plain", NULL, asked_header(&plain, "ETag"), 304},
        {"plain, takes gzip", "gzip", asked_header(&plain, "ETag"), 304},
        {"plain, refuses plain", "gzip, identity;q=0", asked_header(&plain, "ETag"), 200},
        {"gzip, takes gzip", "gzip", asked_header(&gzip, "ETag"), 304},
        {"gzip, takes both", "gzip, zstd", asked_header(&gzip, "ETag"), 304},
        {"gzip, takes plain alone", NULL, asked_header(&gzip, "ETag"), 200},
        {"gzip, takes zstd alone", "zstd", asked_header(&gzip, "ETag"), 200},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(asked_release)
        Asked asked = ask_coded(&inside, "/v1/latest", cases[i].accept, cases[i].holds);
        CHECK_INT(cases[i].status, asked.status);
        if (asked.status == 304) {
            CHECK_STR(cases[i].holds, asked_header(&asked, "ETag"));
            CHECK_TEXT("Accept, Accept-Encoding", asked_header(&asked, "Vary"));
            CLEANUP(asked_release)
            Asked again = ask_coded(&inside, "/v1/latest", cases[i].accept, cases[i].holds);
            CHECK(asked.answer.finished == again.answer.finished); /* made once */
        }
    }
    inside_close(&inside);
}
