#!/bin/bash
# container.sh - builds the image where no registry is reached, and tries it from outside as it is
# meant to run: own user, read-only root, no capabilities, one volume. As root; loopback and a
# network of its own; leaves nothing behind. Closes with the count of what held.
#
#   tools/container.sh [FOLDER]    FOLDER keeps the base system between runs (default: none is kept)
#
# The base is made of Debian's packages, under the name that the Dockerfile asks for. The container
# lives in a network namespace at the end of a cable; this side of it is "outside", where the client
# and freshet-sim are.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "container.sh: needs root, for namespaces and mounts" >&2; exit 1; }

work=$(mktemp -d /var/tmp/freshet-container.XXXXXX)
base=${1:-$work}/base.tar
net=freshet$$
outside=10.213.7.1 inside=10.213.7.2
image=localhost/freshet:test
storage=(--root "$work/store" --runroot "$work/run" --storage-driver overlay)
podman=(podman "${storage[@]}" --runtime /usr/sbin/runc --cgroup-manager=cgroupfs)
sim=''

finish() {
    "${podman[@]}" rm --force --all --volumes > /dev/null 2>&1 || true
    [ -z "$sim" ] || kill "$sim" 2> /dev/null || true
    ip link delete "$net" 2> /dev/null || true
    ip netns delete "$net" 2> /dev/null || true
    # buildah and podman may each have mounted it, and what they began may still be ending
    while umount --lazy "$work/store/overlay" 2> /dev/null; do :; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

say() { printf 'container: %s\n' "$*"; }
passed=0 failed=0
expect() { # expect WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        say "holds: $what"
        passed=$((passed + 1))
    else
        say "FAILS: $what"
        failed=$((failed + 1))
    fi
}
within() { # within SECONDS COMMAND...: until it succeeds
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.2
    done
}

# ---- build ---------------------------------------------------------------------------------------

tools/deps.sh build run container
make --no-print-directory all

if [ ! -f "$base" ]; then
    say "making the base system"
    sources=/etc/apt/sources.list.d/debian.sources
    [ -s "$sources" ] || sources=/etc/apt/sources.list
    mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$base" - < "$sources"
fi
container=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" add --quiet "$container" "$base" / > /dev/null
buildah "${storage[@]}" commit --quiet "$container" docker.io/library/debian:bookworm-slim > /dev/null
buildah "${storage[@]}" rm "$container" > /dev/null

say "building and testing in stage 1, one binary in stage 2"
begun=$SECONDS
buildah "${storage[@]}" bud --pull-never --isolation chroot --format docker --tag "$image" . 2>&1 |
    tee "$work/build.log" | grep -E '^(STEP|== |[0-9]+ passed)' || { tail -n 60 "$work/build.log"; exit 1; }
say "built in $((SECONDS - begun)) s"
buildah "${storage[@]}" images --format '{{.Size}}' "$image" | sed 's/^/container: image of /'

# ---- run -----------------------------------------------------------------------------------------

ip netns add "$net"
ip link add "$net" type veth peer name inside netns "$net"
ip address add $outside/30 dev "$net"
ip link set "$net" up
ip -netns "$net" address add $inside/30 dev inside
ip -netns "$net" link set inside up
ip -netns "$net" link set lo up

build/freshet-sim --listen $outside:0 --stations 200 --seed 1 > "$work/sim.out" 2> "$work/sim.log" &
sim=$!
upstream() { sed -nE 's|.*listening on (http://[^ ]*).*|\1|p' "$work/sim.out"; }
has_upstream() { [ -n "$(upstream)" ]; }
within 20 has_upstream

run() { # run NAME: with the image's own settings, but for the upstream
    "${podman[@]}" run --detach --name "$1" --network "ns:/run/netns/$net" --health-cmd none \
        --ulimit nofile=4096:4096 --ulimit nproc=1024:1024 --read-only --cap-drop all \
        --security-opt no-new-privileges --memory 256m --volume freshet-data:/data \
        --env FRESHET_UPSTREAM="$(upstream)" "$image" > /dev/null
}
get() { curl -fsS --max-time 5 "http://$inside:8080$1" 2> /dev/null; }
ready() { get /ready > /dev/null; }
inside() { "${podman[@]}" exec "$1" "${@:2}"; }
has_user() { [ "$(inside one id -u)" = 10001 ]; }
has_no_capability() { inside one grep -q '^CapEff:[[:space:]]*0*$' /proc/1/status; }
gains_none() { inside one grep -q '^NoNewPrivs:[[:space:]]*1$' /proc/1/status; }
cannot_write() { ! inside one touch /usr/bin/mark 2> /dev/null; }
serves_stations() { [ "$(get /v1/stations.csv | wc -l)" -gt 100 ]; }
is_healthy() { inside one freshet healthcheck; }
has_healthcheck() { "${podman[@]}" image inspect "$image" --format '{{.HealthCheck.Test}}' | grep -q 'freshet healthcheck'; }
has_one_program() { ! inside one sh -c 'command -v gcc || command -v curl || command -v freshet-sim' > /dev/null; }
ended() { "${podman[@]}" wait "$1" > "$work/exit" && [ "$(cat "$work/exit")" = 0 ]; }
generation() { get /v1/stations | sed -nE 's/.*"generation": ?"([^"]*)".*/\1/p' | head -n 1; }

say "running"
run one
expect 'ready, asked from outside, within 20 s'      within 20 ready
expect 'serves the stations'                         serves_stations
expect 'freshet healthcheck says so'                 is_healthy
expect 'the image names it as its HEALTHCHECK'       has_healthcheck
expect 'runs as user 10001'                          has_user
expect 'has no capability'                           has_no_capability
expect 'and cannot gain one'                         gains_none
expect 'its root is read-only'                       cannot_write
expect 'no compiler, curl or simulator inside'       has_one_program
"${podman[@]}" stats --no-stream --format 'container: memory {{.MemUsage}}' one || true

before=$(generation)
begun=$SECONDS
"${podman[@]}" stop --time 10 one > /dev/null
expect "SIGTERM ended it with 0, in $((SECONDS - begun)) s" ended one
run two
expect 'a second container is ready on the same volume' within 20 ready
expect 'and holds the same epoch'                       test "${before%-*}" = "$(generation | sed 's/-[^-]*$//')"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
