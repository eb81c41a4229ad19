/* Readers while ingest goes on as fast as it can: whatever two answers of one generation both say,
 * they say alike; pages neither skip nor repeat; latest is the tail of readings. */
#include "base/json.h"
#include "tests/freshet.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Of each comparison, and commits in between; a minute at most. */
enum { ROUNDS = 20, COMMITS = 20, PATIENCE_S = 60 };

typedef struct Answer {
    Exchanged exchanged;
    Str generation; /* of the entity tag; none for a problem */
} Answer;

static Answer get(const Freshet *service, const char *target)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", service->url, target);
    Answer answer = {.exchanged = exchange("GET", url, "", STR_NONE), .generation = STR_NONE};
    CHECK(answer.exchanged.is_whole);
    Str tag = exchanged_field(&answer.exchanged, "ETag");
    if (tag.len > 1) {
        Str hash = str_after_last(tag, '-');
        answer.generation = (Str){tag.ptr + 1, (size_t) (hash.ptr - tag.ptr) - 2};
    }
    return answer;
}

static void answer_release(Answer *answer)
{
    exchanged_release(&answer->exchanged);
}

static Str body_of(const Answer *answer)
{
    return buf_view(&answer->exchanged.body);
}

static Str rows_of(const Answer *csv)
{
    Str header, rows;
    REQUIRE(str_cut(body_of(csv), '\n', &header, &rows));
    return rows;
}

/* ---- latest is the tail of readings ---------------------------------------------------------- */

/* The line of `measure` from `lines`, which go by the same order; empty where it has none. */
static Str line_of(Str measure, Str *lines)
{
    Str line, rest, all = *lines;
    while (str_cut(all, '\n', &line, &rest)) {
        if (str_eq(csv_cell(line, 0), measure)) {
            *lines = rest;
            return line;
        }
        all = rest;
    }
    return STR("");
}

/* `measure,time,value` against `measure,time,value,freshness`. */
static void check_tails(Str readings, Str latest)
{
    Str line, last, rest = readings;
    size_t tails = 0;
    while (str_cut(rest, '\n', &last, &rest)) {
        Str next, behind;
        if (str_cut(rest, '\n', &next, &behind) && str_eq(csv_cell(next, 0), csv_cell(last, 0)))
            continue;
        line = line_of(csv_cell(last, 0), &latest);
        CHECK(str_starts(line, last) && line.len > last.len && line.ptr[last.len] == ',');
        tails++;
    }
    CHECK(tails > 10);
}

/* Those that are in latest alone are last knowns. */
static void check_last_knowns(Str readings, Str latest)
{
    Str line;
    while (str_cut(latest, '\n', &line, &latest)) {
        Str from_here = readings;
        if (line_of(csv_cell(line, 0), &from_here).len == 0)
            CHECK_TEXT("silent", csv_cell(line, 3));
    }
}

static bool compare_latest(const Freshet *service)
{
    CLEANUP(answer_release)
    Answer readings = get(service, "/v1/readings.csv?fields=measure,time,value");
    CLEANUP(answer_release)
    Answer latest = get(service, "/v1/latest.csv?fields=measure,time,value,freshness");
    if (!str_eq(readings.generation, latest.generation))
        return false;
    check_tails(rows_of(&readings), rows_of(&latest));
    check_last_knowns(rows_of(&readings), rows_of(&latest));
    return true;
}

/* ---- answers of equal generation ------------------------------------------------------------- */

/* The same readings as CSV, and as JSON with every number and time in its place. */
static bool compare_forms(const Freshet *service)
{
    CLEANUP(answer_release)
    Answer csv = get(service, "/v1/readings.csv?parameter=rainfall&fields=measure,time,value");
    CLEANUP(answer_release)
    Answer json = get(service, "/v1/readings?parameter=rainfall&fields=measure,time,value");
    Str items, item, key, line, rest = rows_of(&csv), generation;
    REQUIRE(json_member(body_of(&json), STR("generation"), &generation));
    CHECK_STR(json.generation, ((Str){generation.ptr + 1, generation.len - 2}));
    if (!str_eq(csv.generation, json.generation))
        return false;
    REQUIRE(json_member(body_of(&json), STR("items"), &items));
    JsonWalk walk = json_walk(items);
    while (json_next(&walk, &key, &item)) {
        REQUIRE(str_cut(rest, '\n', &line, &rest));
        char want[300];
        (void) snprintf(
            want, sizeof want,
            "{\"measure\":\"" STR_FMT "\",\"time\":\"" STR_FMT "\",\"value\":" STR_FMT "}",
            STR_ARG(csv_cell(line, 0)), STR_ARG(csv_cell(line, 1)), STR_ARG(csv_cell(line, 2)));
        CHECK_TEXT(want, item);
    }
    CHECK_INT(0, rest.len);
    return true;
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The address of the next page, from </v1/...>; rel="next". False: this is the last. */
static bool next_page(const Answer *page, char *target, size_t size)
{
    Str link = exchanged_field(&page->exchanged, "Link"), address, rest;
    if (!str_ends(link, STR("rel=\"next\"")) ||
        !str_cut((Str){link.ptr + 1, link.len - 1}, '>', &address, &rest))
        return false;
    (void) snprintf(target, size, STR_FMT, STR_ARG(address));
    return true;
}

/* All pages joined into `out`. False: a newer generation ended the list, which says where it begins. */
static bool join_pages(const Freshet *service, Buf *out, Buf *generation)
{
    char target[1024] = "/v1/readings.csv?fields=measure,time,value&limit=700";
    bool more = true;
    while (more) {
        CLEANUP(answer_release) Answer page = get(service, target);
        if (page.exchanged.status == 410) {
            CHECK_HAS("/problems/cursor-expired", body_of(&page));
            CHECK_HAS("\"restart\":[\"/v1/readings.csv?", body_of(&page));
            return false;
        }
        CHECK_INT(200, page.exchanged.status);
        if (generation->len == 0)
            buf_put_str(generation, page.generation);
        CHECK_STR(buf_view(generation), page.generation); /* one list, one generation */
        buf_put_str(out, rows_of(&page));
        more = next_page(&page, target, sizeof target);
    }
    return true;
}

/* Compared with the whole list of the same generation, asked for before and behind. */
static bool compare_pages(const Freshet *service)
{
    static const char WHOLE[] = "/v1/readings.csv?fields=measure,time,value";
    CLEANUP(buf_release) Buf joined = buf_init(64 << 20);
    CLEANUP(buf_release) Buf generation = buf_init(100);
    CLEANUP(answer_release) Answer before = get(service, WHOLE);
    if (!join_pages(service, &joined, &generation))
        return false;
    CLEANUP(answer_release) Answer behind = get(service, WHOLE);
    bool is_before = str_eq(before.generation, buf_view(&generation));
    if (!is_before && !str_eq(behind.generation, buf_view(&generation)))
        return false;
    CHECK_STR(rows_of(is_before ? &before : &behind), buf_view(&joined));
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int64_t generation_now(const Freshet *service)
{
    int64_t number = 0;
    REQUIRE(str_to_int(str_after_last(freshet_tell(service, "generation"), '-'), &number));
    return number;
}

/* False: a commit came between what was to be compared. */
typedef bool Comparison(const Freshet *service);

TEST(scenario_readers_agree_while_ingest_goes_on)
{
    static const struct {
        const char *what;
        Comparison *compare;
    } comparisons[] = {{"latest is the tail of readings", compare_latest},
                       {"forms agree", compare_forms},
                       {"pages joined are the list", compare_pages}};
    /* The upstream takes its time in real time, so that there is some to read in between. */
    const Simulator sim =
        simulator_start(ARGS("--clock", "--stations", "60", "--batching", "30", "--corrections",
                             "5", "--late", "5", "--latency", "15"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 1);
    int64_t begun = generation_now(&service);
    simclock_close(clock); /* time flies from here on */
    size_t compared[countof(comparisons)] = {0}, least = 0;
    time_t until = time(NULL) + PATIENCE_S;
    while ((least < ROUNDS || generation_now(&service) < begun + COMMITS) && time(NULL) < until) {
        least = SIZE_MAX;
        for (size_t i = 0; i < countof(comparisons); i++) {
            CASE(comparisons[i].what);
            compared[i] += comparisons[i].compare(&service);
            least = compared[i] < least ? compared[i] : least;
        }
    }
    CHECK(least >= ROUNDS);
    CHECK(generation_now(&service) >= begun + COMMITS);
    CHECK_INT(0, freshet_stop(&service));
}

/* ---- how long pages are kept ----------------------------------------------------------------- */

TEST(scenario_pages_that_are_followed_outlive_their_generation)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 60);
    int64_t begun = generation_now(&service);
    CLEANUP(answer_release) Answer whole = get(&service, "/v1/readings.ndjson");
    CLEANUP(buf_release) Buf joined = buf_init(64 << 20);
    char target[1024] = "/v1/readings.ndjson?limit=400";
    bool more = true;
    while (more) {
        CLEANUP(answer_release) Answer page = get(&service, target);
        REQUIRE(page.exchanged.status == 200);
        CHECK_STR(whole.generation, page.generation);
        buf_put_str(&joined, body_of(&page));
        more = next_page(&page, target, sizeof target);
        simclock_sleep_until(clock, simclock_now(clock) + 9 * 60);
    }
    CHECK(generation_now(&service) > begun + 3);
    CHECK_STR(body_of(&whole), buf_view(&joined));
    CHECK_INT(0, freshet_stop(&service));
}

/* One list after the other is asked for its second page, ever later. */
TEST(scenario_pages_that_nobody_follows_leave_after_two_generations_and_ten_minutes)
{
    enum { LISTS = 8, IDLE_S = 10 * 60 };
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "20"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    char targets[LISTS][1024];
    simclock_sleep_until(clock, simclock_now(clock) + 60);
    int64_t begun = generation_now(&service);
    for (int i = 0; i < LISTS; i++) {
        char first[100];
        (void) snprintf(first, sizeof first, "/v1/readings.ndjson?limit=%d", 100 + i);
        CLEANUP(answer_release) Answer page = get(&service, first);
        REQUIRE(next_page(&page, targets[i], sizeof targets[i]));
    }
    UnixSec left_at =
        NO_TIME; /* the first request behind their generation: until then it was the newest */
    int found = 0, gone = 0;
    for (int i = 0; i < LISTS; i++) {
        simclock_sleep_until(clock, simclock_now(clock) + IDLE_S + 60);
        int64_t generation = generation_now(&service);
        if (left_at == NO_TIME && generation > begun)
            left_at = simclock_now(clock);
        CLEANUP(answer_release) Answer page = get(&service, targets[i]);
        bool is_over = generation > begun + 2 && simclock_now(clock) > left_at + IDLE_S;
        CHECK_INT(is_over ? 410 : 200, page.exchanged.status);
        *(is_over ? &gone : &found) += 1;
    }
    CHECK(found > 0 && gone > 0);
    CHECK_INT(0, freshet_stop(&service));
}
