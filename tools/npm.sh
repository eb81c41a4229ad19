#!/bin/bash
# npm.sh FOLDER... - fetches what each folder's package-lock.json names, when it is not there yet.
set -euo pipefail
cd "$(dirname "$0")/.."

for folder; do
    # npm writes this file last, as a copy of what it installed.
    [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && continue
    echo "npm.sh: fetching for $folder" >&2
    # not `npm ci`: it wants the lock to name what other systems would install, which no registry must have
    (cd "$folder" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null)
done
