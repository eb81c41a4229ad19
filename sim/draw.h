/* sim/draw.h - chance that is none: a number for (seed, index, what), the same for ever. */
#pragma once
#include "base/base.h"

/* splitmix64's finish, over the three inputs. */
static inline uint64_t draw(uint64_t seed, uint64_t index, uint64_t what)
{
    uint64_t x =
        seed * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u + what * 0x94d049bb133111ebu;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 29);
}

enum { DRAW_MILLION = 1000000 };
