/* What is to be read about the service: from the binary alone, and nothing from another host. */
#include "tests/site.h"

#include "server/assets.h"

#include <string.h>

static const char BROWSER[] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

TEST(root_is_a_page_for_a_browser_and_the_service_document_for_all_others)
{
    static const struct {
        const char *accept, *content_type;
    } cases[] = {{"", "application/json"},
                 {"*/*", "application/json"},
                 {"application/json", "application/json"},
                 {"application/json, text/html;q=0.9", "application/json"},
                 {BROWSER, "text/html; charset=utf-8"},
                 {"text/html", "text/html; charset=utf-8"}};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].accept);
        CLEANUP(asked_release) Asked asked = ask_accept(&inside, "/", cases[i].accept);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].content_type, asked_header(&asked, "Content-Type"));
        CHECK_TEXT("Accept, Accept-Encoding", asked_header(&asked, "Vary"));
        CHECK(str_is_none(asked_header(&asked, "Link")));
    }
    CLEANUP(asked_release) Asked neither = ask_accept(&inside, "/", "image/png");
    CHECK_INT(406, neither.status);
    CLEANUP(asked_release) Asked suffixed = ask(&inside, "/.html");
    CHECK_INT(404, suffixed.status);
    inside_close(&inside);
}

TEST(pages_take_nothing_from_elsewhere)
{
    static const char *const PAGES[] = {"/docs", "/problems/bad-time"};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(PAGES); i++) {
        CASE(PAGES[i]);
        CLEANUP(asked_release) Asked asked = ask(&inside, PAGES[i]);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("text/html; charset=utf-8", asked_header(&asked, "Content-Type"));
        CHECK_HAS("default-src 'self'", asked_header(&asked, "Content-Security-Policy"));
    }
    for (const Asset *asset = ASSETS; asset->path != NULL; asset++) {
        size_t at;
        CASE(asset->path);
        if (!str_starts(str_of(asset->path), STR("/openapi")))
            CHECK(!str_find((Str){(const char *) asset->bytes, asset->len}, STR("://"), &at));
    }
    inside_close(&inside);
}

TEST(web_files_are_those_of_the_pages)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *content_type;
    } cases[] = {{"/web/docs.js", 200, "text/javascript; charset=utf-8"},
                 {"/web/style.css", 200, "text/css; charset=utf-8"},
                 {"/web/docs.html", 404, "application/problem+json"},
                 {"/web/..%2Fdocs", 404, "application/problem+json"},
                 {"/web/", 404, "application/problem+json"}};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(cases[i].status, asked.status);
        CHECK_TEXT(cases[i].content_type, asked_header(&asked, "Content-Type"));
    }
    inside_close(&inside);
}

TEST(openapi_is_there_as_json_too)
{
    Inside inside;
    inside_open(&inside, false); /* no store is needed to read about it */
    CLEANUP(asked_release) Asked asked = ask(&inside, "/openapi.json");
    CHECK_INT(200, asked.status);
    CHECK_TEXT("application/json", asked_header(&asked, "Content-Type"));
    CHECK_TEXT("3.1.0", json_text_at(asked.body, "openapi"));
    CHECK_TEXT(FRESHET_VERSION, json_text_at(asked.body, "info.version"));
    /* A number in quotes stays text, an alias is written out. */
    CHECK_HAS("\"200\":{", json_at(asked.body, "paths./v1/latest.get.responses"));
    CHECK(json_count(json_at(asked.body, "paths./v1/latest.get.parameters")) > 20);
    CHECK_TEXT("1", json_at(asked.body, "components.parameters.limit.schema.minimum"));
    CHECK_TEXT("true",
               json_at(asked.body, "components.schemas.Envelope.properties.complete.const"));
    inside_close(&inside);
}
