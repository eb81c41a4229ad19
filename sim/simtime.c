#include "sim/simtime.h"

#include "base/clock.h"

static struct {
    bool stands;
    int64_t start_ms;      /* simulated */
    int64_t real_start_ms; /* of the real clock */
    double speed;
    _Atomic int64_t stand_ms;
} time_now = {.speed = 1};

void simtime_follow(int64_t start_ms, double speed)
{
    time_now.stands = false;
    time_now.start_ms = start_ms;
    time_now.real_start_ms = clock_now_ms();
    time_now.speed = speed;
}

void simtime_stand(int64_t start_ms)
{
    time_now.stands = true;
    time_now.stand_ms = start_ms;
}

void simtime_jump(int64_t to_ms)
{
    time_now.stand_ms = to_ms;
}

int64_t simtime_now_ms(void)
{
    if (time_now.stands)
        return time_now.stand_ms;
    int64_t real_ms = clock_now_ms();
    double passed_ms = (double) (real_ms - time_now.real_start_ms);
    int64_t now_ms = time_now.start_ms + (int64_t) (passed_ms * time_now.speed);
    return now_ms < real_ms ? now_ms : real_ms;
}

UnixSec simtime_now(void)
{
    return floor_to(simtime_now_ms(), 1000) / 1000;
}

UnixSec simtime_date(void)
{
    return time_now.stands ? simtime_now() : clock_now();
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
