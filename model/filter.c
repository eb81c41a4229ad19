#include "model/filter.h"

#include <math.h>
#include <string.h>

bool str_list_add(Arena *arena, StrList *list, Str item)
{
    if (!arena_room(arena, &list->items, list->count, sizeof item))
        return false;
    list->items[list->count++] = item;
    return true;
}

bool box_list_add(Arena *arena, BoxList *list, const Box *item)
{
    if (!arena_room(arena, &list->items, list->count, sizeof *item))
        return false;
    list->items[list->count++] = *item;
    return true;
}

static const double EARTH_RADIUS_KM = 6371.0088;

/* ---- text ------------------------------------------------------------------------------------ */

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters and digits make up a token; every byte of a character beyond ASCII counts as a letter. */
static bool is_token_byte(char c)
{
    return (c >= '0' && c <= '9') || (folded(c) >= 'a' && folded(c) <= 'z') ||
           (unsigned char) c >= 0x80;
}

static Str from_index(Str s, size_t i)
{
    return (Str){s.ptr + i, s.len - i};
}

/* Equal when ASCII case does not count and a run of blanks is as good as one; both are trimmed. */
static bool same_words(Str a, Str b)
{
    a = str_trim(a);
    b = str_trim(b);
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        if (is_blank(a.ptr[i]) && is_blank(b.ptr[j])) {
            while (is_blank(a.ptr[i])) /* ends: the last byte is no blank */
                i++;
            while (is_blank(b.ptr[j]))
                j++;
        } else if (folded(a.ptr[i++]) != folded(b.ptr[j++])) {
            return false;
        }
    }
    return i == a.len && j == b.len;
}

static bool starts_nocase(Str s, Str prefix)
{
    return s.len >= prefix.len && str_eq_nocase((Str){s.ptr, prefix.len}, prefix);
}

/* Whether a token of `text` begins with `word`. A word with more than letters and digits in it
 * (E2900-anglian, John's) must go on as the text does behind that token. */
static bool has_word(Str text, Str word)
{
    bool in_token = false;
    for (size_t i = 0; i + word.len <= text.len; i++) {
        bool token_byte = is_token_byte(text.ptr[i]);
        if (token_byte && !in_token && starts_nocase(from_index(text, i), word))
            return true;
        in_token = token_byte;
    }
    return false;
}

/* ---- fields ---------------------------------------------------------------------------------- */

typedef bool MatchFn(Str value, Str want);

static bool matches_any_want(Str value, const StrList *wants, MatchFn *match)
{
    for (size_t i = 0; i < wants->count; i++)
        if (match(value, wants->items[i]))
            return true;
    return false;
}

/* A filter that asks nothing takes everything; a missing value is taken by no other. `all` holds
 * the values of an array, one a line, and is none when `first` is the only one. */
static bool takes(const StrList *wants, Str first, Str all, MatchFn *match)
{
    if (wants->count == 0)
        return true;
    Str rest = str_is_none(all) ? first : all, line;
    if (str_is_none(rest))
        return false;
    while (str_cut(rest, '\n', &line, &rest))
        if (matches_any_want(line, wants, match))
            return true;
    return matches_any_want(rest, wants, match);
}

/* Cuts the next word off `rest`, without the punctuation in front: no token begins with that. */
static bool take_word(Str *rest, Str *ret)
{
    while (rest->len > 0 && !is_token_byte(rest->ptr[0]))
        *rest = from_index(*rest, 1);
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len]))
        len++;
    *ret = (Str){rest->ptr, len};
    *rest = from_index(*rest, len);
    return len > 0;
}

bool filter_has_word(Str q)
{
    Str word;
    return take_word(&q, &word);
}

enum { SEARCHED_COUNT = 5 };

static bool has_all_words(const Str texts[static SEARCHED_COUNT], Str q)
{
    Str word;
    bool found = true;
    while (found && take_word(&q, &word)) {
        found = false;
        for (size_t i = 0; i < SEARCHED_COUNT && !found; i++)
            found = has_word(texts[i], word);
    }
    return found;
}

static bool takes_words(const StrList *q, const Station *station)
{
    const Str texts[SEARCHED_COUNT] = {
        str_is_none(station->label_all) ? station->label : station->label_all,
        str_is_none(station->river_all) ? station->river : station->river_all,
        str_is_none(station->town_all) ? station->town : station->town_all,
        str_is_none(station->catchment_all) ? station->catchment : station->catchment_all,
        station->id,
    };
    bool taken = q->count == 0;
    for (size_t i = 0; i < q->count && !taken; i++)
        taken = has_all_words(texts, q->items[i]);
    return taken;
}

/* ---- places ---------------------------------------------------------------------------------- */

double distance_km(double lat1_deg, double long1_deg, double lat2_deg, double long2_deg)
{
    const double radians = M_PI / 180;
    double half_lat = sin((lat2_deg - lat1_deg) * radians / 2);
    double half_long = sin((long2_deg - long1_deg) * radians / 2);
    double h = half_lat * half_lat +
               cos(lat1_deg * radians) * cos(lat2_deg * radians) * half_long * half_long;
    double bounded = h > 1 ? 1 : h; /* rounding may bring antipodes beyond 1; NAN stays NAN */
    return 2 * EARTH_RADIUS_KM * asin(sqrt(bounded));
}

/* A station without coordinates is in no box: every comparison with NAN is false. */
static bool in_box(const Box *box, const Station *station)
{
    double lat = station->lat_deg, lon = station->long_deg;
    bool east_of_west = lon >= box->west_deg, west_of_east = lon <= box->east_deg;
    bool between = box->west_deg <= box->east_deg ? east_of_west && west_of_east
                                                  : east_of_west || west_of_east;
    return lat >= box->south_deg && lat <= box->north_deg && between;
}

static bool in_boxes(const BoxList *boxes, const Station *station)
{
    bool is_in = boxes->count == 0;
    for (size_t i = 0; i < boxes->count && !is_in; i++)
        is_in = in_box(&boxes->items[i], station);
    return is_in;
}

static bool in_circle(const Filter *filter, const Station *station)
{
    return distance_km(filter->lat_deg, filter->long_deg, station->lat_deg, station->long_deg) <=
           filter->dist_km;
}

/* ---- the filter ------------------------------------------------------------------------------ */

bool filter_narrows_measures(const Filter *filter)
{
    return filter->freshness != 0 || filter->trends != 0 || filter->states != 0 ||
           filter->measure.count > 0 || filter->parameter.count > 0 || filter->qualifier.count > 0;
}

bool filter_takes_station(const Filter *filter, const Station *station)
{
    const Station *s = station;
    return takes(&filter->station, s->id, STR_NONE, str_eq) &&
           takes(&filter->reference, s->reference, STR_NONE, str_eq) &&
           takes(&filter->rloi_id, s->rloi_id, s->rloi_id_all, str_eq) &&
           takes(&filter->wiski_id, s->wiski_id, s->wiski_id_all, str_eq) &&
           takes(&filter->river, s->river, s->river_all, same_words) &&
           takes(&filter->catchment, s->catchment, s->catchment_all, same_words) &&
           takes(&filter->town, s->town, s->town_all, same_words) &&
           takes(&filter->status, s->status, STR_NONE, same_words) &&
           takes(&filter->type, s->type, s->type_all, same_words) && takes_words(&filter->q, s) &&
           in_boxes(&filter->boxes, s) && (!filter->has_circle || in_circle(filter, s));
}

bool filter_takes_measure(const Filter *filter, const Measure *measure)
{
    return (filter->freshness == 0 || (filter->freshness >> measure->freshness & 1) != 0) &&
           takes(&filter->measure, measure->id, STR_NONE, str_eq) &&
           takes(&filter->parameter, measure->parameter, STR_NONE, str_eq_nocase) &&
           takes(&filter->qualifier, measure->qualifier, STR_NONE, str_eq_nocase);
}

static bool copy_list(Arena *arena, const StrList *list, StrList *ret)
{
    StrList copy = {.items = arena_alloc(arena, list->count * sizeof *copy.items)};
    if (copy.items == NULL && list->count > 0)
        return false;
    for (; copy.count < list->count; copy.count++)
        if (!arena_copy(arena, list->items[copy.count], &copy.items[copy.count]))
            return false;
    *ret = copy;
    return true;
}

bool filter_copy(Arena *arena, const Filter *filter, Filter *ret)
{
    static const size_t LISTS[] = {
        offsetof(Filter, station),   offsetof(Filter, measure),  offsetof(Filter, reference),
        offsetof(Filter, rloi_id),   offsetof(Filter, wiski_id), offsetof(Filter, parameter),
        offsetof(Filter, qualifier), offsetof(Filter, river),    offsetof(Filter, catchment),
        offsetof(Filter, town),      offsetof(Filter, status),   offsetof(Filter, type),
        offsetof(Filter, q),
    };
    *ret = *filter;
    for (size_t i = 0; i < countof(LISTS); i++)
        if (!copy_list(arena, (const StrList *) (const void *) ((const char *) filter + LISTS[i]),
                       (StrList *) (void *) ((char *) ret + LISTS[i])))
            return false;
    ret->boxes = (BoxList){.count = 0};
    for (size_t i = 0; i < filter->boxes.count; i++)
        if (!box_list_add(arena, &ret->boxes, &filter->boxes.items[i]))
            return false;
    return true;
}
