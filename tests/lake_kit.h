/* tests/lake_kit.h - readers of Parquet that are not ours, run by node, for the tests.
 *
 * tests/lake/package-lock.json names them; tools/npm.sh fetches them. Where they are not there the
 * test is skipped, and says so. */
#pragma once
#include "base/buf.h"

/* What `node tests/lake/<script> args...` prints; a failure of it ends the test. `args` end with NULL.
 * Owned by the caller. */
Buf lake_run(const char *script, const char *const args[]);
