#include "tests/sim_kit.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>

Exchanged sim_ask(const Simulator *simulator, const char *path)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", simulator->url, path);
    return exchange("GET", url, "", STR_NONE);
}

Buf sim_get(const Simulator *simulator, const char *path)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", simulator->url, path);
    return must_get(url);
}

Buf sim_truth(const Simulator *simulator, const char *query)
{
    char url[256];
    (void) snprintf(url, sizeof url, "%s/truth%s", simulator->origin, query);
    return must_get(url);
}

Str sim_items(Str body)
{
    Str items = STR_NONE;
    REQUIRE(json_member(body, STR("items"), &items));
    return items;
}

size_t sim_count(Str body)
{
    JsonWalk walk = json_walk(sim_items(body));
    Str key, item;
    size_t count = 0;
    while (json_next(&walk, &key, &item))
        count++;
    CHECK(!walk.broken);
    return count;
}

size_t sim_count_at(const Simulator *simulator, const char *path)
{
    CLEANUP(buf_release) Buf body = sim_get(simulator, path);
    return sim_count(buf_view(&body));
}

Str sim_nth(Str body, size_t n)
{
    JsonWalk walk = json_walk(sim_items(body));
    Str key, item = STR_NONE;
    for (size_t i = 0; i <= n; i++)
        REQUIRE(json_next(&walk, &key, &item));
    return item;
}

Str sim_member(Str object, const char *name)
{
    Str raw;
    if (!json_member(object, str_of(name), &raw))
        return STR_NONE;
    return raw.ptr[0] == '"' ? (Str){raw.ptr + 1, raw.len - 2} : raw;
}

UnixSec sim_time_of(Str reading)
{
    UnixSec time = NO_TIME;
    CHECK(clock_parse(sim_member(reading, "dateTime"), &time));
    return time;
}

int64_t sim_limit(Str body)
{
    Str meta = sim_member(body, "meta");
    int64_t limit = -1;
    (void) str_to_int(sim_member(meta, "limit"), &limit);
    return limit;
}

Simulator sim_start(void)
{
    return simulator_start(
        (const char *[]){"--stations", "60", "--clock", "--batching", "0", NULL});
}

UnixSec sim_moment(const char *text)
{
    UnixSec time = NO_TIME;
    REQUIRE(clock_parse(str_of(text), &time));
    return time;
}
