#!/bin/bash
# A download that is broken off never ends as if it were whole, and curl -C - goes on with it to the same digest, also when a
# newer generation has come meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/shell/serve.sh

digest_of() { python3 -c 'import base64, hashlib, sys; print(base64.b64encode(hashlib.sha256(open(sys.argv[1], "rb").read()).digest()).decode())' "$1"; }
field() { sed -nE "s/^$1: (.*)\r\$/\1/p" "$dir/head"; }
has_begun() { [ -s "$dir/$1" ]; }
slowly() { # slowly FILE URL: sets $client, who has some of it
    curl -fsS --limit-rate 1M -o "$dir/$1" "$2" 2> "$dir/curl" &
    client=$!
    await has_begun "$1"
}
bytes_of() { stat -c %s "$1"; }
generation() { curl -fsS "$base/v1/status" | grep -o '"generation":"[^"]*"'; }
has_moved_on() { [ "$(generation)" != "$begun" ]; }

make --no-print-directory -s programs
serve build/release 3000 --poll-interval 2s
await is_filled

curl -fsS -D "$dir/head" -o "$dir/whole.csv" "$base/v1/readings.csv"
location=$base$(field Content-Location)
digest=$(field Repr-Digest)
begun=$(generation)
check 'it is larger than what a socket holds' [ "$(bytes_of "$dir/whole.csv")" -gt 20000000 ]
check 'the digest is that of the file' [ "$digest" = "sha-256=:$(digest_of "$dir/whole.csv"):" ]

# The client breaks off: the beginning is there, and goes on where it broke.
slowly part.csv "$location"
{ kill "$client" && wait "$client"; } 2> "$dir/killed" || true
check 'a client that is ended has only a part' [ "$(bytes_of "$dir/part.csv")" -lt "$(bytes_of "$dir/whole.csv")" ]
curl -fsS -o "$dir/fault" -X POST "${upstream%/flood-monitoring}/sim/fault?kind=status&status=500" # that is a change
await has_moved_on
check 'curl -C - goes on' curl -fsS -C - -o "$dir/part.csv" "$location"
check 'and ends at the same digest' [ "$digest" = "sha-256=:$(digest_of "$dir/part.csv"):" ]
check 'nothing is left to fetch' curl -sS -C - -o "$dir/part.csv" "$location"
check 'and nothing is added' cmp -s "$dir/part.csv" "$dir/whole.csv"

# The service is killed: curl must not take what came for all of it.
slowly cut.csv "$base/v1/readings.csv"
{ kill -KILL "$service" && wait "$service"; } 2> "$dir/killed" || true
wait "$client" && code=0 || code=$?
check 'a transfer whose service was killed is partial (18)' [ "$code" -eq 18 ]
check 'and is so' [ "$(bytes_of "$dir/cut.csv")" -lt "$(bytes_of "$dir/whole.csv")" ]
conclude
