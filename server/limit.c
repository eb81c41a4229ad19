#include "server/limit.h"

#include "base/lock.h"

#include <stdlib.h>

/* 16,384 addresses, 256 KB */
enum { SETS = 4096, WAYS = 4 };

typedef struct Cell {
    uint64_t address;
    int64_t whole_ns; /* when all of its allowance is back; one gone by is as good as none */
} Cell;

struct Limit {
    int64_t each_ns;      /* in which one request is earned */
    int64_t allowance_ns; /* of all of them */
    Lock lock;            /* guards what follows */
    Cell cells[SETS][WAYS];
};

Limit *limit_open(Rate rate)
{
    Limit *limit = calloc(1, sizeof *limit);
    if (limit == NULL)
        return NULL;
    limit->each_ns = rate.window_s * 1000000000 / rate.count;
    limit->allowance_ns = limit->each_ns * rate.count;
    lock_init(&limit->lock);
    return limit;
}

void limit_close(Limit *limit)
{
    if (limit == NULL)
        return;
    lock_release(&limit->lock);
    free(limit);
}

/* Its own cell, or the one that it does least harm to take. */
static Cell *find_cell(Cell cells[static WAYS], uint64_t address)
{
    Cell *oldest = &cells[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (cells[i].address == address)
            return &cells[i];
        if (cells[i].whole_ns < oldest->whole_ns)
            oldest = &cells[i];
    }
    *oldest = (Cell){.address = address};
    return oldest;
}

static int64_t seconds_up(int64_t ns)
{
    return (ns + 999999999) / 1000000000;
}

Allowance limit_take(Limit *limit, uint64_t address, int64_t now_us)
{
    int64_t now_ns = now_us * 1000;
    lock_take(&limit->lock);
    Cell *cell = find_cell(limit->cells[address % SETS], address);
    int64_t begin_ns = cell->whole_ns > now_ns ? cell->whole_ns : now_ns;
    int64_t excess_ns = begin_ns + limit->each_ns - now_ns - limit->allowance_ns;
    if (excess_ns <= 0)
        begin_ns += limit->each_ns;
    cell->whole_ns = begin_ns;
    lock_give(&limit->lock);
    int64_t spent_ns = begin_ns - now_ns;
    return (Allowance){.is_refused = excess_ns > 0,
                       .remaining = (limit->allowance_ns - spent_ns) / limit->each_ns,
                       .reset_s = seconds_up(spent_ns),
                       .retry_after_s = excess_ns > 0 ? seconds_up(excess_ns) : 0};
}
