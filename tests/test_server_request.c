/* The target of a request: cut, then decoded once. */
#include "server/request.h"
#include "server/route.h"
#include "tests/site.h"

#include <stdlib.h>
#include <string.h>

static Arena arena;
static Problem problem;

static bool read_target(const char *raw, Target *ret)
{
    arena_release(&arena);
    problem = (Problem){.type = PROBLEM_NONE};
    return target_read(str_of(raw), 200, 5, &arena, ret, &problem);
}

TEST(path_is_cut_at_slashes_before_it_is_decoded)
{
    static const struct {
        const char *target, *third, *path;
        size_t count;
    } cases[] = {
        {"/v1/stations/1491TH", "1491TH", "/v1/stations/1491TH", 3},
        {"/v1/stations/", "", "/v1/stations/", 3},
        {"/v1/stations//latest", "", "/v1/stations//latest", 4},
        {"/v1/stations/SU37%2F63/latest", "SU37/63", "/v1/stations/SU37%2F63/latest", 4},
        {"/v1/stations/A%20B", "A B", "/v1/stations/A%20B", 3},
        {"/v1/stations/A+B", "A+B", "/v1/stations/A+B", 3}, /* a plus is a blank in queries only */
        {"/v1/stations/50%25", "50%", "/v1/stations/50%25", 3},
        {"/v1/stations/%2525", "%25", "/v1/stations/%2525", 3},
        {"/v1/stations/H_obs.upstream?q=x", "H_obs.upstream", "/v1/stations/H_obs.upstream", 3},
        {"http://host:80/v1/stations/X?q=x", "X", "/v1/stations/X", 3},
        {"HTTPS://host/v1/stations/X", "X", "/v1/stations/X", 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Target target = {.segment_count = 0};
        CASE(cases[i].target);
        REQUIRE(read_target(cases[i].target, &target));
        CHECK_INT(cases[i].count, target.segment_count);
        CHECK_TEXT(cases[i].third, target.segments[2]);
        CHECK_TEXT(cases[i].path, target.path);
    }
    arena_release(&arena);
}

TEST(host_without_path_is_the_root)
{
    static const char *const targets[] = {"/", "http://host", "http://host?q=x", "http://host/"};
    for (size_t i = 0; i < countof(targets); i++) {
        Target target = {.segment_count = 0};
        CASE(targets[i]);
        REQUIRE(read_target(targets[i], &target));
        CHECK_INT(1, target.segment_count);
        CHECK_TEXT("", target.segments[0]);
        CHECK_INT(strchr(targets[i], '?') != NULL, target.param_count);
    }
    arena_release(&arena);
}

TEST(query_is_decoded_once_and_sorted)
{
    Target target = {.segment_count = 0};
    REQUIRE(read_target("/x?q=a+b&b=%2B1&b=2%26&&flag", &target));
    static const char *const want[][2] = {{"b", "+1"}, {"b", "2&"}, {"flag", ""}, {"q", "a b"}};
    REQUIRE(target.param_count == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_TEXT(want[i][0], target.params[i].name);
        CHECK_TEXT(want[i][1], target.params[i].value);
    }
    REQUIRE(read_target("/x?a=b=c", &target));
    CHECK_TEXT("b=c", target.params[0].value);
    arena_release(&arena);
}

TEST(what_is_no_target_is_refused)
{
    char long_target[300];
    memset(long_target, 'a', sizeof long_target - 1);
    long_target[0] = '/';
    long_target[sizeof long_target - 1] = '\0';
    const struct {
        const char *target;
        ProblemType want;
    } cases[] = {
        {"", PROBLEM_BAD_REQUEST},
        {"*", PROBLEM_BAD_REQUEST},
        {"stations", PROBLEM_BAD_REQUEST},
        {"/%", PROBLEM_BAD_REQUEST},
        {"/%1", PROBLEM_BAD_REQUEST},
        {"/%zz", PROBLEM_BAD_REQUEST},
        {"/a%00b", PROBLEM_BAD_REQUEST},
        {"/x?a=%00", PROBLEM_BAD_REQUEST},
        {"/x?%=1", PROBLEM_BAD_REQUEST},
        {"host:443", PROBLEM_BAD_REQUEST},
        {"/x?a&b&c&d&e&f", PROBLEM_BAD_PARAMETER},
        {long_target, PROBLEM_TARGET_TOO_LONG},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Target target = {.segment_count = 0};
        CASE(cases[i].target);
        CHECK(!read_target(cases[i].target, &target));
        CHECK_INT(cases[i].want, problem.type);
    }
    arena_release(&arena);
}

TEST(encoding_round_trips)
{
    static const char text[] = "A/B c+d%.caf\xc3\xa9~";
    CLEANUP(buf_release) Buf out = buf_init(1000);
    BUF_LITERAL(&out, "/");
    put_encoded(&out, str_of(text), "");
    buf_put_char(&out, '\0');
    CHECK_TEXT("/A%2FB%20c%2Bd%25.caf%C3%A9~", str_of(out.ptr));
    Target target = {.segment_count = 0};
    REQUIRE(read_target(out.ptr, &target));
    CHECK_TEXT(text, target.segments[0]);
    arena_release(&arena);
}

TEST(routes_take_exactly_their_paths)
{
    static const struct {
        const char *target, *pattern, *arg;
        int format; /* of the suffix; -1: none */
    } cases[] = {
        {"/", "/", NULL, -1},
        {"/v1", "/v1", NULL, -1},
        {"/v1/", NULL, NULL, -1},
        {"/v1/stations", "/v1/stations", NULL, -1},
        {"/v1/stations.csv", "/v1/stations", NULL, FORMAT_CSV},
        {"/v1/stations.ndjson", "/v1/stations", NULL, FORMAT_NDJSON},
        {"/v1/stations.json", "/v1/stations", NULL, FORMAT_JSON},
        {"/v1/stations.CSV", "/v1/stations", NULL, FORMAT_COUNT},
        {"/v1/stations.xml", "/v1/stations", NULL, FORMAT_COUNT},
        {"/v1/readings.geojson", "/v1/readings", NULL, FORMAT_COUNT},
        {"/v1/stations.", NULL, NULL, -1},
        {"/v1/stationsXcsv", NULL, NULL, -1},
        {"/v1/stations/", "/v1/stations/{station}", "", -1},
        {"/v1/stations/a.csv", "/v1/stations/{station}", "a.csv", -1},
        {"/v1/stations/latest", "/v1/stations/{station}", "latest", -1},
        {"/v1/stations//latest", "/v1/stations/{station}/latest", "", -1},
        {"/v1/stations/a.b/latest.csv", "/v1/stations/{station}/latest", "a.b", FORMAT_CSV},
        {"/v1/stations/a%2Flatest", "/v1/stations/{station}", "a/latest", -1},
        {"/v1/stations/a/readings.ndjson", "/v1/stations/{station}/readings", "a", FORMAT_NDJSON},
        {"/v1/stations/a/readings/", NULL, NULL, -1},
        {"/v1/measures/m/readings.csv", "/v1/measures/{measure}/readings", "m", FORMAT_CSV},
        {"/v1/latest.csv", "/v1/latest", NULL, FORMAT_CSV},
        {"/v1/latest/", NULL, NULL, -1},
        {"/v1/status.csv", NULL, NULL, -1},
        {"/problems/bad-time", "/problems/{type}", "bad-time", -1},
        {"/openapi.yaml", "/openapi.yaml", NULL, -1},
        {"/a/b/c/d/e/f/g/h/i/j/k", NULL, NULL, -1},
        {"/V1/stations", NULL, NULL, -1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Request req = {.arena = &arena};
        CASE(cases[i].target);
        REQUIRE(read_target(cases[i].target, &req.target));
        bool found = route_find(&req);
        CHECK_INT(cases[i].pattern != NULL, found);
        if (!found)
            continue;
        CHECK_TEXT(cases[i].pattern, str_of(req.route->pattern));
        if (cases[i].arg != NULL)
            CHECK_TEXT(cases[i].arg, req.args[0]);
        CHECK_INT(cases[i].format, req.has_suffix ? (int) req.format : -1);
    }
    arena_release(&arena);
}

/* ---- anything at all ------------------------------------------------------------------------- */

static char random_byte(unsigned *seed)
{
    static const char likely[] = "/?&=%.,:+- 0129AZaz_~TPHM{}";
    int draw = rand_r(seed);
    if (draw % 8 == 0)
        return (char) (1 + draw / 8 % 127);
    return likely[(size_t) draw / 8 % (sizeof likely - 1)];
}

/* Proper targets with some bytes changed, put in or left out: each gets an answer that says why. */
TEST(any_target_gets_an_answer)
{
    static const char *const seeds[] = {
        "/v1/stations/SU37%2F63/readings.csv?from=2026-11-22T10:00:00+01:00&to=1795341600000",
        "/v1/readings?station=1491TH,OCK1&period=PT6H&bbox=-1.5,51.5,-1.2,51.7",
        "/v1/latest?lat=51.67&long=-1.28&dist=20&q=ock&river=River+Thames&format=ndjson",
        "http://environment.data.gov.uk/v1/measures/1491TH-level/readings?since=P1D",
        "/problems/bad-time",
        "/v1/status",
        "/flood-monitoring/id/stations/1491TH/readings.csv?_sorted&since=2026-11-22T10:00:00.5Z",
        "/flood-monitoring/data/readings/?latest&parameter=level&_limit=10&_view=full",
        "/flood-monitoring/id/measures/1491TH-level.rdf",
    };
    Inside inside;
    unsigned seed = 1;
    inside_open(&inside, true);
    for (int i = 0; i < 4000; i++) {
        char target[300];
        size_t len = strlen(seeds[(size_t) i % countof(seeds)]);
        memcpy(target, seeds[(size_t) i % countof(seeds)], len + 1);
        for (int k = rand_r(&seed) % 4; k >= 0; k--) {
            size_t at = (size_t) rand_r(&seed) % len;
            switch (rand_r(&seed) % 3) {
            case 0:
                target[at] = random_byte(&seed);
                break;
            case 1:
                memmove(target + at + 1, target + at, len - at + 1);
                target[at] = random_byte(&seed);
                len++;
                break;
            default:
                memmove(target + at, target + at + 1, len - at);
                len--;
                break;
            }
        }
        CASE(target);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK(asked.status == 200 || asked.status == 400 || asked.status == 404 ||
              asked.status == 406 || asked.status == 410 || asked.status == 421 ||
              asked.status == 307);
        if (asked.status >= 400)
            CHECK(problem_type(asked.body).len > 0);
    }
    inside_close(&inside);
}
