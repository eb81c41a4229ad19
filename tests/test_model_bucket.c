#include "model/bucket.h"

#include "base/buf.h"
#include "tests/test.h"

#include <math.h>

enum { HOUR = 3600, SLOT = 900 };

static const Measure LEVEL = {.id = STR("level"),
                              .parameter = STR("level"),
                              .value_type = STR("instantaneous"),
                              .unit = STR("m"),
                              .period_s = SLOT,
                              .newest = 3 * HOUR};
static const Measure RAIN = {.id = STR("rain"),
                             .parameter = STR("rainfall"),
                             .value_type = STR("total"),
                             .unit = STR("mm"),
                             .period_s = SLOT,
                             .newest = 3 * HOUR};

static void put_value(Buf *out, double value)
{
    if (isnan(value))
        buf_put_char(out, '-');
    else
        buf_put_double(out, value);
}

/* "hours:min/mean/max/sum/last n of expected_n;" */
static bool tell(const Bucket *bucket, void *ctx)
{
    static const Aggregate ORDER[] = {AGGREGATE_MIN, AGGREGATE_MEAN, AGGREGATE_MAX, AGGREGATE_SUM,
                                      AGGREGATE_LAST};
    Buf *out = ctx;
    buf_put_int(out, bucket->time / HOUR);
    for (size_t i = 0; i < countof(ORDER); i++) {
        buf_put_char(out, i == 0 ? ':' : '/');
        put_value(out, bucket->values[ORDER[i]]);
    }
    CHECK_DOUBLE((double) bucket->n, bucket->values[AGGREGATE_COUNT]);
    buf_put_char(out, ' ');
    buf_put_int(out, bucket->n);
    BUF_LITERAL(out, " of ");
    buf_put_int(out, bucket->expected_n);
    buf_put_char(out, ';');
    return true;
}

typedef struct Point {
    UnixSec time;
    double value;
} Point;

static Buf told(const Measure *measure, Window window, Fill fill, const Point *points, size_t count)
{
    Buf out = buf_init(10000);
    Buckets buckets = buckets_begin(measure, NULL, window, HOUR, fill, tell, &out);
    for (size_t i = 0; i < count; i++) {
        const Reading reading = {.time = points[i].time, .value = points[i].value};
        CHECK(buckets_add(&buckets, &reading));
    }
    CHECK(buckets_end(&buckets));
    return out;
}

TEST(bucket_edges_follow_the_value_type)
{
    static const Point points[] = {{0, 1}, {SLOT, 2}, {HOUR, 4}, {HOUR + SLOT, 8}};
    const Window window = {.from = 0, .to = 2 * HOUR};
    CLEANUP(buf_release) Buf level = told(&LEVEL, window, FILL_NONE, points, countof(points));
    CLEANUP(buf_release) Buf rain = told(&RAIN, window, FILL_NONE, points, countof(points));
    CHECK_TEXT("0:1.0/1.5/2.0/3.0/2.0 2 of 4;1:4.0/6.0/8.0/12.0/8.0 2 of 4;", buf_view(&level));
    CHECK_TEXT("-1:1.0/1.0/1.0/1.0/1.0 1 of 1;0:2.0/3.0/4.0/6.0/4.0 2 of 4;"
               "1:8.0/8.0/8.0/8.0/8.0 1 of 3;", /* the moment of its end is behind the window */
               buf_view(&rain));
}

TEST(bucket_expects_what_the_window_and_the_newest_allow)
{
    static const Point points[] = {{HOUR + 2 * SLOT, 1}, {3 * HOUR, 2}};
    const Window window = {.from = HOUR + SLOT + 1, .to = 9 * HOUR};
    Measure event = LEVEL;
    event.period_s = 0;
    CLEANUP(buf_release) Buf level = told(&LEVEL, window, FILL_NONE, points, countof(points));
    CLEANUP(buf_release) Buf irregular = told(&event, window, FILL_NONE, points, countof(points));
    CHECK_TEXT("1:1.0/1.0/1.0/1.0/1.0 1 of 2;3:2.0/2.0/2.0/2.0/2.0 1 of 1;", buf_view(&level));
    CHECK_TEXT("1:1.0/1.0/1.0/1.0/1.0 1 of -1;3:2.0/2.0/2.0/2.0/2.0 1 of -1;",
               buf_view(&irregular));
}

TEST(bucket_fills_only_when_asked_and_as_asked)
{
    static const Point points[] = {{HOUR, 1}, {3 * HOUR, 2}};
    const Window window = {.from = 0, .to = 5 * HOUR};
    static const struct {
        Fill fill;
        const char *want;
    } cases[] = {
        {FILL_NONE, "1:1.0/1.0/1.0/1.0/1.0 1 of 4;3:2.0/2.0/2.0/2.0/2.0 1 of 1;"},
        {FILL_NULL, "0:-/-/-/-/- 0 of 4;1:1.0/1.0/1.0/1.0/1.0 1 of 4;2:-/-/-/-/- 0 of 4;"
                    "3:2.0/2.0/2.0/2.0/2.0 1 of 1;4:-/-/-/-/- 0 of 0;"},
        {FILL_PREVIOUS,
         "0:-/-/-/-/- 0 of 4;1:1.0/1.0/1.0/1.0/1.0 1 of 4;2:1.0/1.0/1.0/1.0/1.0 0 of 4;"
         "3:2.0/2.0/2.0/2.0/2.0 1 of 1;4:2.0/2.0/2.0/2.0/2.0 0 of 0;"},
        {FILL_LINEAR,
         "0:-/-/-/-/- 0 of 4;1:1.0/1.0/1.0/1.0/1.0 1 of 4;2:1.5/1.5/1.5/1.5/1.5 0 of 4;"
         "3:2.0/2.0/2.0/2.0/2.0 1 of 1;4:-/-/-/-/- 0 of 0;"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].want);
        CLEANUP(buf_release) Buf got = told(&LEVEL, window, cases[i].fill, points, countof(points));
        CHECK_TEXT(cases[i].want, buf_view(&got));
    }
}

TEST(bucket_leaves_sentinels_and_noise_out)
{
    static const Point points[] = {{0, 0.1}, {SLOT, 0.2}, {2 * SLOT, -32.768}};
    const Window window = {.from = 0, .to = HOUR};
    CLEANUP(buf_release) Buf got = told(&LEVEL, window, FILL_NONE, points, countof(points));
    CHECK_TEXT("0:0.1/0.15/0.2/0.3/0.2 2 of 4;", buf_view(&got));
}

TEST(bucket_of_nothing_says_nothing)
{
    CLEANUP(buf_release)
    Buf got = told(&LEVEL, (Window){.from = 0, .to = 0}, FILL_PREVIOUS, NULL, 0);
    CHECK_INT(0, got.len);
    CHECK_INT(-HOUR, bucket_floor(-1, HOUR));
    CHECK_INT(0, bucket_floor(HOUR - 1, HOUR));
}

TEST(aggregates_without_meaning_are_refused)
{
    Measure angle = {.parameter = STR("wind"), .qualifier = STR("Direction")};
    CHECK(bucket_refuses(&LEVEL, AGGREGATE_SUM) != NULL);
    CHECK(bucket_refuses(&LEVEL, AGGREGATE_MEAN) == NULL);
    CHECK(bucket_refuses(&RAIN, AGGREGATE_SUM) == NULL);
    CHECK(bucket_refuses(&angle, AGGREGATE_MEAN) != NULL);
    CHECK(bucket_refuses(&angle, AGGREGATE_LAST) == NULL);
}
