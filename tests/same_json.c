#include "tests/same_json.h"

#include <stdlib.h>
#include <string.h>

cJSON *json_items_of(const cJSON *tree)
{
    return cJSON_GetObjectItemCaseSensitive(tree, "items");
}

const char *json_id_of(const cJSON *item)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "@id"));
    REQUIRE(id != NULL);
    return id;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(json_id_of(*(const cJSON *const *) a), json_id_of(*(const cJSON *const *) b));
}

static size_t sorted_items(const cJSON *items, const cJSON ***ret)
{
    size_t count = 0;
    const cJSON **list = calloc((size_t) cJSON_GetArraySize(items) + 1, sizeof *list), *item = NULL;
    REQUIRE(list != NULL);
    cJSON_ArrayForEach(item, items)
    {
        list[count++] = item;
    }
    qsort(list, count, sizeof *list, by_id);
    *ret = list;
    return count;
}

void check_same_item(const cJSON *want, const cJSON *got)
{
    if (cJSON_Compare(want, got, true)) {
        CHECK(true);
        return;
    }
    char *want_text = cJSON_PrintUnformatted(want), *got_text = cJSON_PrintUnformatted(got);
    CHECK_TEXT(want_text, str_of(got_text));
    cJSON_free(want_text);
    cJSON_free(got_text);
}

void check_same_items(const cJSON *want, const cJSON *got)
{
    const cJSON **wants, **gots;
    size_t want_count = sorted_items(want, &wants), got_count = sorted_items(got, &gots);
    CHECK_INT(want_count, got_count);
    for (size_t i = 0, differing = 0; i < want_count && i < got_count && differing < 5; i++) {
        bool same = cJSON_Compare(wants[i], gots[i], true);
        differing += !same;
        if (!same)
            check_same_item(wants[i], gots[i]);
    }
    free(wants);
    free(gots);
}
