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
kill "$service"
wait "$service" || true
echo 'a-good-token-of-some-length' > "$dir/tokens"
"build/asan/freshet" --listen 127.0.0.1:0 --data-dir "$dir/data" --upstream "$upstream" --tokens-file "$dir/tokens" > "$dir/freshet.out" 2>&1 &
service=$!
await has_address "$dir/freshet.out"
base=$(listening "$dir/freshet.out")
await curl -fsS -o "$dir/ready" "$base/ready" 2> /dev/null
check 'the pages ask for a token where the service does' node tests/contract/browser.mjs "$base" "$(cat "$dir/tokens")"
conclude
