# shellcheck shell=bash
# kit.sh FOLDER - what the benches share; sourced. SECONDS_EACH and STATIONS are theirs to set.
#
# Servers have core 0 to themselves, clients core 1. All on loopback.

dir=$1
pids=()
finish() {
    [ ${#pids[@]} -eq 0 ] || kill -CONT "${pids[@]}" 2> /dev/null || true
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
    wait
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

say() { printf 'bench: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
now_ms() { date +%s%3N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
column() { awk -v c="$1" '{ print (c == "sum") ? $1 + $2 + $3 : $c }'; }
divide() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

await() { # await PID URL: until it answers 2xx, at most a minute
    local until=$((SECONDS + 60))
    until curl -fsS -o /dev/null "$2" 2> /dev/null; do
        if ! kill -0 "$1" 2> /dev/null || [ $SECONDS -ge $until ]; then
            fail "$2 does not answer; see $dir"
        fi
        sleep 0.01
    done
}

need_free() { # need_free PORT...
    local port
    for port; do
        ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || fail "port $port is taken; is a bench running?"
    done
}

# For percentiles: a processor of a guest that has fallen asleep takes longer to wake than an answer takes,
# and would make whoever has nothing else to do look slow. To the end of the script.
keep_awake() {
    local core
    for core in 0 1; do
        taskset -c $core chrt --idle 0 sh -c 'while :; do :; done' &
        pids+=($!)
    done
}

# What its threads have used of the processors, those that have ended too.
cpu_ns() { awk '{ sum += $1 } END { printf "%.0f", sum }' "/proc/$1/task/"*/schedstat; }
memory() { sed -nE "s/^$2:[[:space:]]*([0-9]+) kB/\1/p" "/proc/$1/status" | awk '{ printf "%.1f MB", $1 / 1024 }'; }

rate() { # rate PID WRK-ARGUMENT...: "requests-a-second requests-a-second-of-its-processor-time"
    local out before after
    before=$(cpu_ns "$1")
    out=$(taskset -c 1 wrk -t1 -c32 -d"${SECONDS_EACH}s" "${@:2}")
    after=$(cpu_ns "$1")
    ! grep -qE 'Non-2xx|Socket errors' <<< "$out" || fail "${*:2}: $out"
    awk -v ns=$((after - before)) '/requests in/ { count = $1 } /^Requests\/sec:/ { rate = $2 }
        END { printf "%s %.0f\n", rate, count / ns * 1e9 }' <<< "$out"
}

start_sim() { # start_sim PROGRAMS OPTION...: sets sim, upstream and, with --clock, clock
    : > "$dir/sim.out" # not the one before's
    taskset -c 1 "$1/freshet-sim" --listen 127.0.0.1:0 --stations "$STATIONS" --seed 1 "${@:2}" > "$dir/sim.out" 2> "$dir/sim.log" &
    sim=$!
    pids+=("$sim")
    local tries=0
    until upstream=$(sed -nE 's|.*listening on (http://[^ ]*).*|\1|p' "$dir/sim.out") && [ -n "$upstream" ]; do
        [ $((tries += 1)) -lt 600 ] || fail "freshet-sim does not start; see $dir/sim.log"
        sleep 0.1
    done
    # shellcheck disable=SC2034 # for those who start a freshet with it
    clock=$(sed -nE 's|^clock on (.*)|\1|p' "$dir/sim.out")
}
