/* The vectors of FIPS 180-2. */
#include "base/sha256.h"
#include "tests/test.h"

#include <string.h>

TEST(sha256_is_as_published)
{
    static const struct {
        const char *piece;
        int times;
        const char *want;
    } cases[] = {
        {"", 1, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        {"abc", 1, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE="},
        {"aaaaaaaaaa", 100000, "zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA="},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char got[SHA256_BASE64_SIZE];
        Sha256 *sha = sha256_new();
        REQUIRE(sha != NULL);
        for (int n = 0; n < cases[i].times; n++)
            sha256_add(sha, str_of(cases[i].piece));
        sha256_base64(sha, got);
        CHECK_TEXT(cases[i].want, str_of(got));
        sha256_free(sha);
    }
}

TEST(sha256_of_bytes_as_hex)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX_SIZE];
    sha256_of(STR("abc"), digest);
    sha256_hex(digest, hex);
    CHECK_TEXT("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", str_of(hex));
}
