#!/bin/bash
# The running service keeps to its openapi.json, whatever it is asked, and its pages work in a browser. The tools for that
# are no part of the build: npm brings them, at the versions of the lock file.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/shell/serve.sh

make --no-print-directory -s VARIANT=asan programs
tools/npm.sh tests/contract
serve build/asan 40
await is_filled
check 'openapi.json holds against any question' node tests/contract/fuzz.mjs "$base"
check 'the pages work in a browser' node tests/contract/browser.mjs "$base"
check 'freshet lives still' kill -0 "$service"
conclude
