#include "ingest/lists.h"

enum { PORTION_ITEMS = 1000 };

Lists lists_init(void)
{
    return (Lists){.item_refused_count = 0};
}

void lists_release(Lists *lists)
{
    for (int kind = 0; kind < LIST_KIND_COUNT; kind++)
        if (lists->of[kind].is_there)
            http_result_release(&lists->of[kind].answer);
    *lists = lists_init();
}

/* A PortionFn: stations, then measures. */
static ErrCode next_portion(void *ctx, Batch *portion, bool *ret_more, Err *err)
{
    static ErrCode (*const parsers[])(ParseList *, size_t, Batch *, bool *, Err *) = {
        [LIST_STATIONS] = parse_stations, [LIST_MEASURES] = parse_measures};
    Lists *lists = ctx;
    *ret_more = false;
    for (int kind = 0; kind < LIST_KIND_COUNT && !*ret_more; kind++) {
        if (!lists->of[kind].is_there)
            continue;
        ErrCode rc = parsers[kind](&lists->of[kind].list, PORTION_ITEMS, portion, ret_more, err);
        if (rc != OK)
            return rc;
    }
    lists->item_refused_count += portion->item_refused_count;
    return OK;
}

ErrCode lists_take(Lists *lists, ListKind kind, HttpResult *answer, Batch *batch, Err *err)
{
    ParseList list;
    ErrCode rc = parse_list(http_body(answer), &answer->text, &list, err);
    if (rc != OK)
        return rc;
    lists->of[kind].answer = http_result_take(answer);
    lists->of[kind].list = list;
    lists->of[kind].list.file = &lists->of[kind].answer.text;
    lists->of[kind].is_there = true;
    *(kind == LIST_STATIONS ? &batch->has_all_stations : &batch->has_all_measures) = true;
    batch->next_portion = next_portion;
    batch->portion_ctx = lists;
    return OK;
}
