#!/bin/bash
# The demo serves what its text tells to try, refuses a port that is taken, and leaves nobody behind
# however it ends.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
out=$dir/out
demo=''
finish() {
    [ -z "$demo" ] || kill "$demo" 2> /dev/null || true
    wait
    rm -rf "$dir"
}
trap finish EXIT

passed=0 failed=0 programs=()
check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "demo: not so: $what"
        failed=$((failed + 1))
    fi
}

is_free() { ! (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
port=28080
until is_free $port; do port=$((port + 1)); done

within_a_minute() { # within_a_minute COMMAND...
    local until=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.1
    done
}
start() {
    : > "$out"
    # A shell has its background jobs ignore SIGINT; a terminal's Ctrl-C finds it at its default.
    env --default-signal=INT FRESHET_LISTEN=127.0.0.1:$port DEMO_DIR="$dir" tools/demo.sh > "$out" 2>&1 &
    demo=$!
}
is_up() { grep -q 'Ctrl-C' "$out"; }
has_two_programs() { # and sets them
    read -ra programs < "/proc/$demo/task/$demo/children" || true
    [ "${#programs[@]}" -eq 2 ]
}
have_ended() { # have_ended PID...: not there, or a zombie where nobody takes in orphans
    local pid
    for pid; do ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" 2> /dev/null || return 1; done
}
answers() { # answers COMMAND: a curl line of the text
    eval "${1/curl /curl -fsS -o /dev/null }"
}
is_refused() {
    ! FRESHET_LISTEN=127.0.0.1:$port DEMO_DIR="$dir" tools/demo.sh > "$dir/second" 2>&1 &&
        grep -q 'is taken' "$dir/second"
}

for signal in INT TERM KILL; do
    start
    check "up before $signal" within_a_minute is_up
    if [ $signal = INT ]; then
        while read -r line; do check "$line" answers "$line"; done < <(grep '^  curl' "$out")
        check 'a port that is taken is refused' is_refused
    fi
    check "two programs before $signal" within_a_minute has_two_programs
    kill -"$signal" "$demo" 2> /dev/null || true
    wait "$demo" 2> /dev/null || true
    check "nobody left after $signal" within_a_minute have_ended "${programs[@]}"
    check "port free after $signal" is_free "$port"
done
demo=''

[ "$failed" -eq 0 ] || cat "$out"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
