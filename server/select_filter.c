#include "server/selector.h"

#include "model/batch.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static StrList *list_of(Selector *to, const ParamInfo *info)
{
    return (StrList *) (void *) ((char *) &to->selection->filter + info->list_offset);
}

static void add(Selector *to, const ParamInfo *info, Str value)
{
    if (!str_list_add(to->req->arena, list_of(to, info), value))
        selector_bad(to, info, STR_NONE, "there is no memory for so many values");
}

/* The name as it is: 164 catchments and 23 towns hold commas. */
void param_text(Selector *to, const ParamInfo *info, Str value)
{
    add(to, info, value);
}

static void read_list(Selector *to, const ParamInfo *info, Str value, bool trim)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        if (!more)
            item = all;
        if (trim)
            item = str_trim(item);
        if (item.len == 0 && value.len > 0)
            selector_bad(to, info, value, "a name in the list is empty");
        else
            add(to, info, item);
    }
}

/* Ids are opaque: a blank at their end is a part of them. */
void param_ids(Selector *to, const ParamInfo *info, Str value)
{
    read_list(to, info, value, false);
}

void param_words(Selector *to, const ParamInfo *info, Str value)
{
    read_list(to, info, value, true);
}

void param_search(Selector *to, const ParamInfo *info, Str value)
{
    if (filter_has_word(value))
        add(to, info, value);
    else
        selector_bad(to, info, value, "there is no word in it");
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool read_number(Selector *to, const ParamInfo *info, Str text, double least, double most,
                        double *ret)
{
    double value;
    if (!str_to_double(text, &value)) {
        selector_bad(to, info, text, "expected a decimal number");
        return false;
    }
    if (value < least || value > most) {
        problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                    (ProblemFault){.parameter = str_of(info->name),
                                   .value = text,
                                   .reason = "bad",
                                   .detail = arena_format(to->req->arena,
                                                          "'%s': expected a number from %g to %g",
                                                          info->name, least, most)});
        return false;
    }
    *ret = value;
    return true;
}

static bool split_four(Str text, Str ret_parts[static 4])
{
    Str rest = text;
    for (int i = 0; i < 3; i++) {
        Str all = rest;
        if (!str_cut(all, ',', &ret_parts[i], &rest))
            return false;
    }
    ret_parts[3] = rest;
    return true;
}

void param_box(Selector *to, const ParamInfo *info, Str value)
{
    Box box;
    Str parts[4];
    if (!split_four(value, parts)) {
        selector_bad(to, info, value, "expected west,south,east,north in degrees");
        return;
    }
    if (!read_number(to, info, str_trim(parts[0]), -180, 180, &box.west_deg) ||
        !read_number(to, info, str_trim(parts[1]), -90, 90, &box.south_deg) ||
        !read_number(to, info, str_trim(parts[2]), -180, 180, &box.east_deg) ||
        !read_number(to, info, str_trim(parts[3]), -90, 90, &box.north_deg))
        return;
    if (box.south_deg > box.north_deg)
        selector_bad(to, info, value, "its south lies north of its north: west,south,east,north");
    else if (!box_list_add(to->req->arena, &to->selection->filter.boxes, &box))
        selector_bad(to, info, STR_NONE, "there is no memory for so many values");
}

void param_lat(Selector *to, const ParamInfo *info, Str value)
{
    to->has_lat = true;
    (void) read_number(to, info, value, -90, 90, &to->selection->filter.lat_deg);
}

void param_long(Selector *to, const ParamInfo *info, Str value)
{
    to->has_long = true;
    (void) read_number(to, info, value, -180, 180, &to->selection->filter.long_deg);
}

void param_dist(Selector *to, const ParamInfo *info, Str value)
{
    to->has_dist = true;
    (void) read_number(to, info, value, 0, 20100, &to->selection->filter.dist_km); /* half round */
}

void selector_check_circle(Selector *to)
{
    if (!to->has_lat && !to->has_long && !to->has_dist)
        return;
    const struct {
        const char *name;
        bool is_there;
    } parts[] = {{"lat", to->has_lat}, {"long", to->has_long}, {"dist", to->has_dist}};
    for (size_t i = 0; i < countof(parts); i++)
        if (!parts[i].is_there)
            problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                        (ProblemFault){.parameter = str_of(parts[i].name),
                                       .reason = "missing",
                                       .detail = arena_format(
                                           to->req->arena,
                                           "'%s' is missing: lat, long and dist (km) go together",
                                           parts[i].name)});
    to->selection->filter.has_circle = true;
}

/* ---- words there are a few of ---------------------------------------------------------------- */

static void bad_reason(Selector *to, const ParamInfo *info, Str value)
{
    CLEANUP(buf_release) Buf sentence = buf_init(1024);
    BUF_LITERAL(&sentence, "expected one of");
    for (int i = 0; i < REFUSAL_REASON_COUNT; i++)
        buf_printf(&sentence, "%s %s", i > 0 ? "," : "", refusal_name((RefusalReason) i));
    buf_put_char(&sentence, '\0');
    selector_bad(to, info, value, buf_view(&sentence).ptr);
}

void param_reason(Selector *to, const ParamInfo *info, Str value)
{
    RefusalReason reason;
    if (!refusal_find(value, &reason))
        bad_reason(to, info, value);
    else if (!str_list_add(to->req->arena, &to->selection->reasons, value))
        selector_bad(to, info, STR_NONE, "there is no memory for so many values");
}

void param_freshness(Selector *to, const ParamInfo *info, Str value)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        Freshness freshness;
        if (freshness_find(str_trim(more ? item : all), &freshness))
            to->selection->filter.freshness |= 1u << freshness;
        else
            selector_bad(to, info, value,
                         "expected fresh, late, stale, silent, or several of them");
    }
}

void param_trend(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[TREND_COUNT - 1];
    for (unsigned i = 0; i < countof(words); i++)
        words[i] = trend_name((Trend) (i + 1));
    selector_bits(to, info, value, words, countof(words), 1, &to->selection->filter.trends);
}

void param_state(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[LEVEL_STATE_COUNT - 1];
    for (unsigned i = 0; i < countof(words); i++)
        words[i] = level_state_name((LevelState) (i + 1));
    selector_bits(to, info, value, words, countof(words), 1, &to->selection->filter.states);
}
