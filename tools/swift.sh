#!/bin/bash
# swift.sh DIR - OpenStack Swift with its S3 interface, one node, all of it in DIR, on
# free ports of 127.0.0.1, until it is told to end (TERM) or whoever started it has gone.
#
# Says "swift ready port=N" when it answers. Keys are test:tester and testing, the region is eu-west-2. USR1
# kills its front, USR2 starts it again, by what DIR/front says, where that stands: faketime -f +20m
set -eu
dir=$1
mkdir -p "$dir/etc" "$dir/srv/d1" "$dir/log"

# Five ports, held until all are found.
read -ra ports <<< "$(/usr/bin/python3 -c '
import socket
held = [socket.socket() for _ in range(5)]
for s in held: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))')"
proxy=${ports[3]} cache=${ports[4]}

cat > "$dir/etc/swift.conf" << END
[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = Policy-0
default = yes
END

# A ring for each kind of server, by the python that Swift is installed for, in one process: importing takes longer than making them.
kinds=(object container account)
SWIFT_DIR=$dir/etc /usr/bin/python3 - "${kinds[@]}" "${ports[@]}" << 'END'
import os, sys
os.chdir(os.environ["SWIFT_DIR"])
from swift.common.ring.builder import RingBuilder
for kind, port in zip(sys.argv[1:4], sys.argv[4:]):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1",
                  "weight": 1.0, "meta": "", "replication_ip": "127.0.0.1",
                  "replication_port": int(port)})
    ring.rebalance()
    ring.get_ring().save(kind + ".ring.gz")
END
for i in 0 1 2; do
    cat > "$dir/etc/${kinds[i]}-server.conf" << END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${ports[i]}
workers = 0
user = $(id -un)
swift_dir = $dir/etc
devices = $dir/srv
mount_check = false
log_name = ${kinds[i]}
log_address = $dir/log/none
[pipeline:main]
pipeline = ${kinds[i]}-server
[app:${kinds[i]}-server]
use = egg:swift#${kinds[i]}
END
done

cat > "$dir/etc/proxy-server.conf" << END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $proxy
workers = 0
user = $(id -un)
swift_dir = $dir/etc
[pipeline:main]
pipeline = catch_errors healthcheck cache listing_formats s3api tempauth bulk slo symlink versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$cache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = eu-west-2
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:symlink]
use = egg:swift#symlink
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
END

# Whatever ends this ends them: setpriv --pdeathsig.
pids=()
front=
kill_front() {
    pkill -9 -P "$front" || true # where a command stands before it
    kill -9 "$front" 2> /dev/null || true
}
end() {
    trap - EXIT
    [ -z "$front" ] || kill_front
    kill "${pids[@]}" 2> /dev/null || true
    exit 0
}
start_front() {
    local by=()
    [ ! -e "$dir/front" ] || read -ra by < "$dir/front"
    setpriv --pdeathsig KILL "${by[@]}" swift-proxy-server "$dir/etc/proxy-server.conf" >> "$dir/log/proxy.log" 2>&1 &
    front=$!
}
trap end TERM INT EXIT
trap kill_front USR1
trap start_front USR2

setpriv --pdeathsig KILL memcached -u nobody -l 127.0.0.1 -p "$cache" -m 16 > "$dir/log/memcached.log" 2>&1 &
pids+=($!)
for kind in "${kinds[@]}"; do
    setpriv --pdeathsig KILL "swift-$kind-server" "$dir/etc/$kind-server.conf" > "$dir/log/$kind.log" 2>&1 &
    pids+=($!)
done
start_front

until curl -s -o /dev/null --noproxy '*' "http://127.0.0.1:$proxy/healthcheck"; do
    sleep 0.1
done
echo "swift ready port=$proxy"
while kill -0 "$PPID" 2> /dev/null; do # orphaned, nobody is left to end it
    sleep 1 &
    wait $! || true
done
