# shellcheck shell=bash
# serve.sh - to be sourced by a test: freshet with an upstream of its own, both ended with the shell.
#
# Sets $dir, a folder that goes with the test, $base, the address served, $upstream, that of its upstream, and check(),
# which counts.

dir=$(mktemp -d)
passed=0 failed=0 sim='' service=''

finish() {
    trap '' INT TERM
    [ -z "$service" ] || kill "$service" 2> /dev/null || true
    [ -z "$sim" ] || kill "$sim" 2> /dev/null || true
    wait
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "$(basename "$0"): not so: $what"
        failed=$((failed + 1))
    fi
}

conclude() {
    [ "$failed" -eq 0 ] || tail -n 40 "$dir/freshet.out"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# Waits at most a minute.
await() { # await COMMAND...
    local until=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $until ] || { echo "$(basename "$0"): never: $*" >&2; return 1; }
        sleep 0.1
    done
}

listening() { # listening FILE: the address that a program says it serves
    sed -nE 's|.*listening on (http://[^ ]*).*|\1|p; s|.*event=serving.* port=([0-9]+).*|http://127.0.0.1:\1|p' "$1" | head -n 1
}
has_address() { [ -n "$(listening "$1")" ]; }
is_filled() { grep -q 'event=polled.*asks_left=0' "$dir/freshet.out"; } # and what lies behind the newest

serve() { # serve PROGRAMS STATIONS [ARGUMENT...]: of freshet
    local programs=$1 stations=$2
    shift 2
    touch "$dir/sim.out" "$dir/freshet.out"
    "$programs/freshet-sim" --listen 127.0.0.1:0 --stations "$stations" --seed 1 > "$dir/sim.out" 2>&1 &
    sim=$!
    await has_address "$dir/sim.out"
    upstream=$(listening "$dir/sim.out")
    "$programs/freshet" --listen 127.0.0.1:0 --data-dir "$dir/data" --upstream "$upstream" "$@" > "$dir/freshet.out" 2>&1 &
    service=$!
    await has_address "$dir/freshet.out"
    base=$(listening "$dir/freshet.out")
    await curl -fsS -o "$dir/ready" "$base/ready" 2> /dev/null
}
