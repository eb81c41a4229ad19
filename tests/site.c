#include "tests/site.h"

#include "base/json.h"
#include "server/kept.h"
#include "server/words.h"

#include <string.h>

void inside_open(Inside *inside, bool filled)
{
    *inside = (Inside){.fixture = fixture_open(), .options = test_server_options()};
    inside->site = (Site){.store = inside->fixture.store, .options = &inside->options};
    inside->cache = cache_open(inside->options.cache_bytes);
    inside->site.words = words_open();
    inside->site.spools = spools_open(inside->options.spool_dir, inside->options.spool_bytes);
    inside->site.kept = kept_open(inside->fixture.store, inside->options.spool_bytes / 2);
    REQUIRE(inside->cache != NULL && inside->site.words != NULL && inside->site.spools != NULL &&
            inside->site.kept != NULL);
    if (filled)
        fixture_fill(&inside->fixture);
}

void inside_close(Inside *inside)
{
    kept_close(inside->site.kept);
    cache_close(inside->cache);
    words_close(inside->site.words);
    spools_close(inside->site.spools);
    fixture_close(&inside->fixture);
}

Asked ask_head(Inside *inside, const Head *head)
{
    Asked asked = {.arena = arena_init()};
    asked.answer = answer_request(&inside->site, inside->cache, head, &asked.arena);
    REQUIRE(asked.answer.finished != NULL);
    asked.status = finished_status(asked.answer.finished);
    asked.body = finished_body(asked.answer.finished);
    return asked;
}

Asked ask_accept(Inside *inside, const char *target, const char *accept)
{
    const Head head = {.method = STR("GET"),
                       .target = str_of(target),
                       .is_http_1_1 = true,
                       .host_count = 1,
                       .accept = str_of(accept)};
    return ask_head(inside, &head);
}

Asked ask(Inside *inside, const char *target)
{
    return ask_accept(inside, target, NULL);
}

void asked_release(Asked *asked)
{
    finished_drop(asked->answer.finished);
    arena_release(&asked->arena);
}

Str asked_header(const Asked *asked, const char *name)
{
    for (size_t i = 0; i < asked->answer.extra_count; i++)
        if (strcmp(asked->answer.extra[i].name, name) == 0)
            return asked->answer.extra[i].value;
    return finished_header(asked->answer.finished, name);
}

/* ---- tables of questions --------------------------------------------------------------------- */

void check_bodies(Inside *inside, const BodyCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].want, asked.body);
    }
}

void check_refusals(Inside *inside, const RefusalCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(inside, cases[i].target);
        CHECK_INT(400, asked.status);
        CHECK_TEXT("bad-parameter", problem_type(asked.body));
        CHECK_TEXT(cases[i].parameter, json_text_at(asked.body, "errors.0.parameter"));
        CHECK_HAS(cases[i].says, json_text_at(asked.body, "errors.0.detail"));
    }
}

/* ---- looking into bodies --------------------------------------------------------------------- */

static Str element_at(Str array, int64_t index)
{
    Str key, value;
    JsonWalk walk = json_walk(array);
    for (int64_t i = 0; json_next(&walk, &key, &value); i++)
        if (i == index)
            return value;
    return STR_NONE;
}

Str json_at(Str document, const char *path)
{
    Str step, rest = str_of(path), at = str_trim(document);
    bool more = true;
    while (more && !str_is_none(at)) {
        Str all = rest;
        int64_t index;
        more = str_cut(all, '.', &step, &rest);
        if (!more)
            step = all;
        if (str_to_int(step, &index))
            at = element_at(at, index);
        else if (!json_member(at, step, &at))
            at = STR_NONE;
    }
    return at;
}

Str json_text_at(Str document, const char *path)
{
    Str text = json_at(document, path);
    return text.len >= 2 && text.ptr[0] == '"' ? (Str){text.ptr + 1, text.len - 2} : text;
}

size_t json_count(Str array)
{
    size_t count = 0;
    Str key, value;
    JsonWalk walk = json_walk(array);
    while (json_next(&walk, &key, &value))
        count++;
    return count;
}

Str problem_type(Str body)
{
    Str type = json_text_at(body, "type");
    const Str prefix = STR("/problems/");
    return str_starts(type, prefix) ? (Str){type.ptr + prefix.len, type.len - prefix.len}
                                    : STR_NONE;
}
