#!/bin/bash
# demo.sh - freshet offline: beside it freshet-sim, an upstream made for the purpose.
#
# Serves on 127.0.0.1:8080 (FRESHET_LISTEN) until Ctrl-C, or until it is terminated; ends both
# programs then, and they end by themselves should this script be killed. Its store is begun anew
# each time.
set -euo pipefail
cd "$(dirname "$0")/.."

listen=${FRESHET_LISTEN:-127.0.0.1:8080}
dir=${DEMO_DIR:-build/demo}
sim='' service=''

finish() {
    trap '' INT TERM HUP
    [ -z "$service" ] || kill "$service" 2> /dev/null || true
    [ -z "$sim" ] || kill "$sim" 2> /dev/null || true
    wait
}
trap finish EXIT
trap 'exit 0' INT TERM HUP

say() { printf 'demo: %s\n' "$*"; }

# Waits until COMMAND succeeds; gives up when the program PID has ended, or after a minute.
await() { # await PID COMMAND...
    local pid=$1 tries=0
    shift
    until "$@"; do
        if ! kill -0 "$pid" 2> /dev/null || [ $((tries += 1)) -ge 600 ]; then
            return 1
        fi
        sleep 0.1
    done
}

if (exec 3<> "/dev/tcp/${listen%:*}/${listen##*:}") 2> /dev/null; then
    say "$listen is taken by another program; end it, or choose: FRESHET_LISTEN=127.0.0.1:8081 make demo" >&2
    exit 1
fi

rm -rf "$dir/data"
mkdir -p "$dir"
: > "$dir/sim.out" # not the one before's
say "making an upstream of 5,400 stations"
setpriv --pdeathsig TERM build/freshet-sim --listen 127.0.0.1:0 --stations 5400 --seed 1 > "$dir/sim.out" 2> "$dir/sim.log" &
sim=$!
address() { sed -nE 's|.*listening on (http://[^ ]*).*|\1|p' "$dir/sim.out"; }
listening() { [ -n "$(address)" ]; }
await "$sim" listening || { say "freshet-sim did not start:" >&2; cat "$dir/sim.log" >&2; exit 1; }

setpriv --pdeathsig TERM build/freshet --listen "$listen" --data-dir "$dir/data" --upstream "$(address)" 2> "$dir/freshet.log" &
service=$!
ready() { curl -fsS -o "$dir/ready" "http://$listen/ready" 2> /dev/null; }
await "$service" ready || { say "freshet did not start:" >&2; cat "$dir/freshet.log" >&2; exit 1; }

station=$(curl -fsS "http://$listen/v1/stations.csv" | sed -n 2p | cut -d , -f 1)
cat << END
demo: serving on http://$listen, polled from $(address)
demo: the log is in $dir/freshet.log; Ctrl-C ends it. Try:

  curl http://$listen/v1/status
  curl http://$listen/v1/stations/$station
  curl http://$listen/v1/stations/$station/latest
  curl 'http://$listen/v1/stations/$station/readings?period=PT6H'
  curl 'http://$listen/v1/latest.csv?parameter=rainfall'
  curl 'http://$listen/v1/stations?lat=51.5&long=-1.2&dist=20'
  curl 'http://$listen/v1/readings.ndjson?station=$station'
  curl http://$listen/metrics
  curl http://$listen/openapi.yaml

or open http://$listen/docs in a browser

END
wait -n "$service" "$sim" || true
say "one of the programs ended by itself:" >&2
tail -n 3 "$dir/freshet.log" "$dir/sim.log" >&2
exit 1
