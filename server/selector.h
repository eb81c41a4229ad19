/* server/selector.h - a selection being read: what the files of select share, and nobody else.
 *
 * select.c holds the table of parameters; select_filter.c reads those that say which stations and
 * measures, select_time.c which time, select_form.c which fields, order, shape and buckets. */
#pragma once
#include "server/request.h"

struct Selector {
    const Request *req;
    Selection *selection;
    Problem *problem;
    bool has_lat, has_long, has_dist;
    bool has_from, has_period, has_since;
    bool has_step, has_agg, has_fill; /* whatever they say */
};

/* A fault of the parameter `info`, told as "'name': sentence". */
void selector_fault(Selector *to, ProblemType type, const ParamInfo *info, const char *reason,
                    Str value, const char *sentence);
void selector_bad(Selector *to, const ParamInfo *info, Str value, const char *sentence);
void selector_missing(Selector *to, const char *name, const char *sentence);

/* One of a few words; the number of words when it is none of them, which is told. */
size_t selector_choice(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                       size_t count);
/* A list of words into a set of bits: the position of each among `words`, and `first` in front. */
void selector_bits(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                   size_t count, unsigned first, unsigned *bits);

/* What the table names. */
typedef void ParamReader(Selector *to, const ParamInfo *info, Str value);
ParamReader param_text, param_ids, param_words, param_search, param_box, param_lat, param_long,
    param_dist, param_reason, param_freshness, param_trend, param_state; /* select_filter.c */
ParamReader param_from, param_to, param_period, param_since, param_after,
    param_wait; /* select_time.c */
ParamReader param_format, param_fields, param_time_format, param_profile, param_download,
    param_zone, param_shape, param_step, param_aggregates, param_fill, param_sort, param_limit,
    param_cursor; /* select_form.c */

/* What only several parameters together can have wrong. */
void selector_check_circle(Selector *to);
void selector_check_span(Selector *to);
void selector_check_buckets(Selector *to);
