/* sim/control.h - /sim/... and /truth: a test's hand on the simulator, over HTTP.
 *
 *     POST   /sim/fault?SPEC               adds a fault (sim/fault.h)
 *     DELETE /sim/fault                    ends all of them
 *     POST   /sim/latency?ms=N             before each answer, in real time
 *     POST   /sim/item[?path=/data/readings]   the body, one raw JSON item, ends that list
 *     DELETE /sim/item                     takes all of them out
 *     POST   /sim/value?measure=ID&time=T&value=JSON   changes one reading
 *     POST   /sim/rates?NAME=PERCENT&...   bad habits (sim/habits.h); GET tells them
 *     GET    /sim/stats                    answers and their bytes, in all and by route; `traffic`: what
 *                                          was asked, failed answers too, what was sent, connections;
 *                                          DELETE begins anew
 *     GET    /sim/now                      {"now", "release"}: what time it is here
 *     GET    /truth[?as_of=T]   CSV: what an ideal ingest would hold now, or at T (sim/truth.h) */

#pragma once
#include "sim/upstream.h"

/* Always gives an answer: JSON, or text that says what is wrong. */
void control_answer(Upstream *upstream, Str method, Str path, Str query, Str body,
                    Answer *ret_answer);
