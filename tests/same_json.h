/* tests/same_json.h - answers of the Agency's kind, compared as JSON: white space, the order of members
 * and the order of unsorted lists say nothing. */
#pragma once
#include "tests/test.h"

#include <cjson/cJSON.h>

/* The items of a document; NULL when it has none. */
cJSON *json_items_of(const cJSON *tree);
const char *json_id_of(const cJSON *item); /* its @id */

/* The same in every member and element, in the order of elements. */
void check_same_item(const cJSON *want, const cJSON *got);
/* The same items by their @id, in any order. */
void check_same_items(const cJSON *want, const cJSON *got);
