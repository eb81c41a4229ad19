#!/bin/sh
# deps.sh GROUP... - installs what Debian packages are missing for build, run, check, test, lint, bench
# or the container.
#
# Asks dpkg first, so that it costs nothing when all is there.
set -eu

# A node that came another way is as good.
npm_of_debian() {
    command -v npm > /dev/null || echo nodejs npm
}

packages() {
    case $1 in
    build) echo gcc libc6-dev make libmicrohttpd-dev libcurl4-openssl-dev libcjson-dev \
                librdkafka-dev libsqlite3-dev libssl-dev libyaml-dev libzstd-dev zlib1g-dev ;;
    run)   echo ca-certificates curl ;; # the live API is https; the demo's examples are curl's
    check) echo kcat python3 ;; # of the tests, those that need no registry but Debian's
    test)  packages check
           echo chromium curl faketime memcached sqlite3 swift-account swift-container \
                swift-object swift-proxy # an S3 that checks signatures: tools/swift.sh
           npm_of_debian ;;
    lint)  echo clang clang-format clang-tidy cppcheck shellcheck yamllint ;;
    bench) echo curl sqlite3 wrk libpcre2-8-0 libssl3 ;; # the libraries are nginx's: bench/nginx.sh
    container) echo buildah curl iproute2 mmdebstrap podman runc ;; # runc: crun wants other cgroups
    *) echo "deps.sh: no group '$1': build, run, check, test, lint, bench, container" >&2; return 1 ;;
    esac
}

wanted=
for group; do
    wanted="$wanted $(packages "$group")"
done

if ! command -v dpkg-query > /dev/null; then
    echo "deps.sh: no Debian here; going on as if these were installed:$wanted" >&2
    exit 0
fi

missing=
for package in $wanted; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
        echo "deps.sh: these packages are missing, and only root or sudo can install them:$missing" >&2
        exit 1
    }
    as_root=sudo
fi

# What a command of an unattended machine must not do: ask. Old lists are better than none.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}
echo "deps.sh: installing$missing" >&2
apt update || echo "deps.sh: the package lists could not all be refreshed; going on with what is there" >&2
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing > /dev/null
