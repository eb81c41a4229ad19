#include "tests/parse_kit.h"

typedef ErrCode SomeFn(ParseList *list, size_t most, Batch *batch, bool *ret_more, Err *err);

static ErrCode parse_all(Str json, SomeFn *some, bool *has_all, Batch *batch, Err *err)
{
    ParseList list;
    ErrCode rc = parse_list(json, NULL, &list, err);
    for (bool more = rc == OK; more && rc == OK;)
        rc = some(&list, SIZE_MAX, batch, &more, err);
    *has_all = rc == OK;
    return rc;
}

ErrCode parse_all_stations(Str json, Batch *batch, Err *err)
{
    return parse_all(json, parse_stations, &batch->has_all_stations, batch, err);
}

ErrCode parse_all_measures(Str json, Batch *batch, Err *err)
{
    return parse_all(json, parse_measures, &batch->has_all_measures, batch, err);
}
