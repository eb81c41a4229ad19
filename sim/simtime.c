#include "sim/simtime.h"

#include "base/clock.h"

static struct {
    bool stands;
    _Atomic int64_t stand_ms; /* the clock, where it stands */
    int64_t begun_clock_ms, begun_ms;
    double speed;
} time_now = {.speed = 1};

static void begin(int64_t start_ms, double speed)
{
    time_now.begun_clock_ms = simtime_clock_ms();
    time_now.begun_ms = start_ms;
    time_now.speed = speed;
}

void simtime_follow(int64_t start_ms, double speed)
{
    time_now.stands = false;
    begin(start_ms, speed);
}

void simtime_stand(int64_t clock_ms, int64_t behind_ms, double speed)
{
    time_now.stands = true;
    time_now.stand_ms = clock_ms;
    begin(clock_ms - behind_ms, speed);
}

void simtime_jump(int64_t to_ms)
{
    time_now.stand_ms = to_ms;
}

int64_t simtime_clock_ms(void)
{
    return time_now.stands ? time_now.stand_ms : clock_now_ms();
}

int64_t simtime_now_ms(void)
{
    int64_t clock_ms = simtime_clock_ms();
    double passed_ms = (double) (clock_ms - time_now.begun_clock_ms);
    int64_t now_ms = time_now.begun_ms + (int64_t) (passed_ms * time_now.speed);
    return now_ms < clock_ms ? now_ms : clock_ms;
}

UnixSec simtime_now(void)
{
    return floor_to(simtime_now_ms(), 1000) / 1000;
}

UnixSec simtime_date(void)
{
    return floor_to(simtime_clock_ms(), 1000) / 1000;
}

UnixSec release_at(UnixSec now)
{
    return floor_to(now - RELEASE_PHASE_S, RELEASE_EVERY_S) + RELEASE_PHASE_S;
}

int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return value - (rest < 0 ? rest + step : rest);
}
