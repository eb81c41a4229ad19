#include "base/json.h"

#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(json_writer_sets_its_commas)
{
    CLEANUP(buf_release) Buf out = buf_init(1000);
    JsonWriter json = json_writer(&out);
    json_open(&json, '{');
    json_key(&json, "count");
    json_int(&json, -23);
    json_key(&json, "items");
    json_open(&json, '[');
    json_open(&json, '{');
    json_close(&json, '}');
    json_str(&json, STR("a\"b"));
    json_text(&json, "plain");
    json_double(&json, 1);
    json_bool(&json, true);
    json_bool(&json, false);
    json_null(&json);
    json_time(&json, 1795342567);
    json_raw(&json, STR("[1,2]"));
    json_close(&json, ']');
    json_key(&json, "empty");
    json_open(&json, '[');
    json_close(&json, ']');
    json_close(&json, '}');
    CHECK_TEXT("{\"count\":-23,\"items\":[{},\"a\\\"b\",\"plain\",1.0,true,false,null,"
               "\"2026-11-22T10:16:07Z\",[1,2]],\"empty\":[]}",
               buf_view(&out));
}

TEST(json_writer_writes_null_for_what_is_missing)
{
    CLEANUP(buf_release) Buf out = buf_init(1000);
    JsonWriter json = json_writer(&out);
    json_open(&json, '[');
    json_str(&json, STR_NONE);
    json_text(&json, NULL);
    json_double(&json, NAN);
    json_double(&json, INFINITY);
    json_double(&json, -INFINITY);
    json_time(&json, NO_TIME);
    json_str(&json, STR("")); /* is there, and empty */
    json_close(&json, ']');
    CHECK_TEXT("[null,null,null,null,null,null,\"\"]", buf_view(&out));
}

TEST(json_strings_are_escaped_and_made_utf8)
{
    static const struct {
        Str text;
        const char *want;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"plain", 5}, "\"plain\""},
        {{"\"", 1}, "\"\\\"\""},
        {{"a\\b/c", 5}, "\"a\\\\b/c\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\0\x01\x1f\x7f", 4}, "\"\\u0000\\u0001\\u001f\x7f\""},
        {{"Afon Dw\xcc\x82r", 10}, "\"Afon Dw\xcc\x82r\""},
        {{"\xe2\x80\x99", 3}, "\"\xe2\x80\x99\""},                         /* U+2019 */
        {{"\xf0\x9f\x8c\x8a", 4}, "\"\xf0\x9f\x8c\x8a\""},                 /* four bytes */
        {{"\xed\x9f\xbf\xee\x80\x80", 6}, "\"\xed\x9f\xbf\xee\x80\x80\""}, /* beside surrogates */
        {{"\xf4\x8f\xbf\xbf", 4}, "\"\xf4\x8f\xbf\xbf\""},                 /* U+10FFFF */
#define BAD "\xef\xbf\xbd"
        {{"a\x80z", 3}, "\"a" BAD "z\""},             /* alone */
        {{"\xc3", 1}, "\"" BAD "\""},                 /* cut off */
        {{"\xe2\x80", 2}, "\"" BAD BAD "\""},         /* cut off */
        {{"\xc3(", 2}, "\"" BAD "(\""},               /* what follows stays */
        {{"\xc3\"", 2}, "\"" BAD "\\\"\""},           /* and is escaped */
        {{"\xe2\x82(", 3}, "\"" BAD BAD "(\""},       /* the third is none of it */
        {{"\xc0\xaf", 2}, "\"" BAD BAD "\""},         /* overlong */
        {{"\xe0\x80\xaf", 3}, "\"" BAD BAD BAD "\""}, /* overlong */
        {{"\xf0\x80\x80\xaf", 4}, "\"" BAD BAD BAD BAD "\""},
        {{"\xed\xa0\x80", 3}, "\"" BAD BAD BAD "\""},         /* surrogate */
        {{"\xf4\x90\x80\x80", 4}, "\"" BAD BAD BAD BAD "\""}, /* beyond U+10FFFF */
        {{"\xf8\xff", 2}, "\"" BAD BAD "\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf out = buf_init(1000);
        CASE(cases[i].want);
        json_put_string(&out, cases[i].text);
        CHECK_TEXT(cases[i].want, buf_view(&out));
    }
}

/* The text that a string of ours stands for. */
static void unescape(Str raw, Buf *out)
{
    static const char LETTERS[] = "bfnrt", BYTES[] = "\b\f\n\r\t";
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] != '\\') {
            buf_put_char(out, raw.ptr[i]);
            continue;
        }
        char c = raw.ptr[++i];
        const char *letter = strchr(LETTERS, c);
        if (c == 'u') {
            const char hex[] = {raw.ptr[i + 3], raw.ptr[i + 4], '\0'}; /* \u00HH: ASCII */
            buf_put_char(out, (char) strtol(hex, NULL, 16));
            i += 4;
        } else {
            buf_put_char(out, letter != NULL ? BYTES[letter - LETTERS] : c);
        }
    }
}

TEST(json_strings_come_back_from_the_walk)
{
    uint64_t state = 1;
    for (int round = 0; round < 2000; round++) {
        char text[24];
        size_t len = (size_t) round % sizeof text;
        for (size_t i = 0; i < len; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[i] = (char) (state >> 33 & 0x7f); /* all of ASCII, controls and NUL too */
        }
        CLEANUP(buf_release) Buf doc = buf_init(10000);
        JsonWriter json = json_writer(&doc);
        json_open(&json, '{');
        json_key(&json, "first");
        json_str(&json, (Str){text, len});
        json_key(&json, "second");
        json_int(&json, 7);
        json_close(&json, '}');

        Str value = STR_NONE;
        REQUIRE(json_member(buf_view(&doc), STR("first"), &value));
        REQUIRE(value.len >= 2);
        CLEANUP(buf_release) Buf back = buf_init(1000);
        unescape((Str){value.ptr + 1, value.len - 2}, &back);
        REQUIRE(CHECK_STR(((Str){text, len}), buf_view(&back)));
        REQUIRE(json_member(buf_view(&doc), STR("second"), &value));
        CHECK_STR(STR("7"), value);
    }
}

TEST(json_member_looks_at_the_top_level_only)
{
    const Str doc =
        STR(" { \"meta\" : { \"items\" : \"no\" , \"x\":[{\"items\":0}] } ,\n"
            "   \"s\" : \"\\\"items\\\":1, }]\" , \"items\" : [ 1 , [2] ] , \"last\":-1.5e3 } ");
    Str value = STR("?");
    CHECK(json_member(doc, STR("items"), &value));
    CHECK_STR(STR("[ 1 , [2] ]"), value);
    CHECK(json_member(doc, STR("last"), &value));
    CHECK_STR(STR("-1.5e3"), value);
    CHECK(json_member(doc, STR("meta"), &value));
    CHECK_STR(STR("{ \"items\" : \"no\" , \"x\":[{\"items\":0}] }"), value);
    value = STR("?");
    CHECK(!json_member(doc, STR("x"), &value));
    CHECK(!json_member(doc, STR("item"), &value));
    CHECK(!json_member(STR("[\"items\"]"), STR("items"), &value));
    CHECK(!json_member(STR("\"items\""), STR("items"), &value));
    CHECK(!json_member(STR(""), STR("items"), &value));
    CHECK(!json_member(STR_NONE, STR("items"), &value));
    CHECK_STR(STR("?"), value);
}

TEST(json_walk_visits_elements_in_order)
{
    static const struct {
        const char *doc, *want; /* key=value; of each */
    } cases[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"{}", ""},
        {"[1]", "1;"},
        {"[1,\"a,b]\",{\"x\":[1,2]},[[]],null,true]", "1;\"a,b]\";{\"x\":[1,2]};[[]];null;true;"},
        {"{\"a\":1,\"b\":{\"c\":2}}", "a=1;b={\"c\":2};"},
        {"{\n\t\"a\" : \"x\\\\\" ,\r\n \"b\\\"\" : false }", "a=\"x\\\\\";b\\\"=false;"},
        {"{\"\":0}", "=0;"},
        {"[-0.5E+10]", "-0.5E+10;"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf got = buf_init(1000);
        CASE(cases[i].doc);
        JsonWalk walk = json_walk(str_of(cases[i].doc));
        Str key, value;
        while (json_next(&walk, &key, &value)) {
            if (!str_is_none(key))
                buf_printf(&got, STR_FMT "=", STR_ARG(key));
            buf_printf(&got, STR_FMT ";", STR_ARG(value));
        }
        CHECK(!walk.broken);
        CHECK_TEXT(cases[i].want, buf_view(&got));
        CHECK(!json_next(&walk, &key, &value)); /* and nothing after the end */
        CHECK(!walk.broken);
    }
}

TEST(json_walk_says_when_a_document_is_broken)
{
    static const char *const docs[] = {
        "",         " ",         "1",          "\"x\"",     "<html>",    "null",       "]",
        "[",        "[1",        "[1,",        "[1,]",      "[,1]",      "[1 2]",      "[1}",
        "{",        "{\"a\"",    "{\"a\":",    "{\"a\":1",  "{\"a\":1,", "{\"a\":1,}", "{a:1}",
        "{1:1}",    "{\"a\" 1}", "{\"a\":}",   "{\"a\":1]", "{\"a\",1}", "[\"x]",      "[\"x\\\"]",
        "[\"\n\"]", "[[1]",      "[{\"a\":1]", "[[1}]",     "[@]",       "[1] x",      "[1][2]",
        "[[\"x]]",  "[\"\\",
    };
    for (size_t i = 0; i < countof(docs); i++) {
        CASE(docs[i]);
        JsonWalk walk = json_walk(str_of(docs[i]));
        Str key, value;
        while (json_next(&walk, &key, &value))
            continue;
        CHECK(walk.broken);
        CHECK(!json_next(&walk, &key, &value));
    }
}

TEST(json_walk_tells_every_place_where_a_document_is_cut_off)
{
    static const char DOC[] = "{\"a\":[1,{\"b\":\"x\\ny\"}],\"c\":-1.5,\"d\":{}}";
    for (size_t len = 0; len < sizeof DOC - 1; len++) {
        CLEANUP(buf_release) Buf doc = buf_init(len); /* a sanitizer tells when it reads beyond */
        buf_put(&doc, DOC, len);
        JsonWalk walk = json_walk(buf_view(&doc));
        Str key, value;
        while (json_next(&walk, &key, &value))
            continue;
        CHECK(walk.broken);
    }
}

TEST(json_walk_goes_into_a_value_and_on_behind_it)
{
    JsonWalk walk = json_walk(STR("{\"a\":[1, [2]] , \"b\":{}, \"c\":3}"));
    Str key, value;
    REQUIRE(json_next_key(&walk, &key));
    CHECK_TEXT("a", key);
    JsonWalk inner = json_enter(&walk);
    CHECK(json_next(&inner, &key, &value) && str_eq(value, STR("1")));
    CHECK(json_next(&inner, &key, &value) && str_eq(value, STR("[2]")));
    CHECK(!json_next(&inner, &key, &value) && !inner.broken);
    json_leave(&walk, &inner);
    REQUIRE(json_next_key(&walk, &key));
    CHECK_TEXT("b", key);
    inner = json_enter(&walk);
    CHECK(!json_next(&inner, &key, &value));
    json_leave(&walk, &inner);
    CHECK(json_next(&walk, &key, &value) && str_eq(value, STR("3")));
    CHECK(!json_next(&walk, &key, &value) && !walk.broken);

    CASE("no container, and one that is left too early");
    walk = json_walk(STR("[7,[1,2]]"));
    REQUIRE(json_next_key(&walk, &key));
    CHECK(json_enter(&walk).broken);
    CHECK(json_value(&walk, &value) && json_next_key(&walk, &key));
    inner = json_enter(&walk);
    CHECK(json_next(&inner, &key, &value));
    json_leave(&walk, &inner);
    CHECK(walk.broken);
}

TEST(json_walk_bounds_the_depth)
{
    static char doc[200000];
    memset(doc, '[', sizeof doc);
    JsonWalk walk = json_walk((Str){doc, sizeof doc});
    Str key, value;
    CHECK(!json_next(&walk, &key, &value));
    CHECK(walk.broken);

    enum { DEEP = 60 };
    memset(doc, '[', DEEP);
    memset(doc + DEEP, ']', DEEP);
    walk = json_walk((Str){doc, 2 * DEEP});
    CHECK(json_next(&walk, &key, &value));
    CHECK_INT(2 * DEEP - 2, value.len);
    CHECK(!json_next(&walk, &key, &value));
    CHECK(!walk.broken);
}

TEST(json_walk_finds_every_station_of_the_recording)
{
    CLEANUP(buf_release) Buf doc = buf_init(0);
    if (!test_recording("stations-all-2025-09-05T155532Z.json.gz", &doc))
        test_skip("the recordings are not there");
    Str items = STR_NONE, key, value;
    REQUIRE(json_member(buf_view(&doc), STR("items"), &items));
    JsonWalk walk = json_walk(items);
    int64_t count = 0, with_measures = 0;
    while (json_next(&walk, &key, &value)) {
        Str measures;
        count++;
        with_measures += json_member(value, STR("measures"), &measures);
    }
    CHECK(!walk.broken);
    CHECK_INT(5430, count);
    CHECK_INT(5416, with_measures);
}

TEST(json_text_comes_back_as_it_was_written)
{
    static const struct {
        const char *name, *json;
        Str text;
        bool good;
    } cases[] = {
        {"plain", "\"Abingdon\"", STR("Abingdon"), true},
        {"empty", "\"\"", STR(""), true},
        {"null is none", "null", STR_NONE, true},
        {"letters", "\"a\\n\\t\\\"\\\\\\/b\"", STR("a\n\t\"\\/b"), true},
        {"code", "\"\\u00e9\\u20ac\"", STR("\xc3\xa9\xe2\x82\xac"), true},
        {"pair", "\"\\ud83d\\ude00\"", STR("\xf0\x9f\x98\x80"), true},
        {"half a pair", "\"\\ud83d\"", STR_NONE, false},
        {"the other half", "\"\\ude00\"", STR_NONE, false},
        {"no such escape", "\"\\q\"", STR_NONE, false},
        {"cut", "\"\\u00\"", STR_NONE, false},
        {"a number", "12", STR_NONE, false},
        {"unclosed", "\"", STR_NONE, false},
    };
    CLEANUP(arena_release) Arena arena = arena_init();
    for (size_t i = 0; i < countof(cases); i++) {
        Str got = STR_NONE;
        CASE(cases[i].name);
        CHECK_INT(cases[i].good, json_to_str(str_of(cases[i].json), &arena, &got));
        if (cases[i].good)
            CHECK_STR(cases[i].text, got);
    }
}

TEST(json_text_survives_being_written_and_read)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf out = buf_init(4096);
    char all[127];
    Str got;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char) (i + 1);
    json_put_string(&out, (Str){all, sizeof all});
    REQUIRE(json_to_str(buf_view(&out), &arena, &got));
    CHECK_STR(((Str){all, sizeof all}), got);
}
