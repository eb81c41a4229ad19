#!/bin/bash
# parts.sh NAME=COMMAND... - runs each command, goes on after a failure, closes with the sum.
#
# A part that closes with a line "N passed, N failed[, N skipped]" brings that many; any other is one
# that passed or failed, by its exit code. The last line alone has that form, so that whoever reads
# the output finds one count. Exits 1 when anything failed.
set -uo pipefail

counted='[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
sum_passed=0 sum_failed=0 sum_skipped=0

for part; do
    name=${part%%=*}
    echo "== $name"
    begun=$SECONDS
    bash -c "${part#*=}" 2>&1 < /dev/null | tee "$log" | sed -uE "/^$counted\$/d"
    code=${PIPESTATUS[0]}

    passed=0 failed=0 skipped=0
    closing=$(grep -E "^$counted\$" "$log" | tail -n 1)
    if [ -n "$closing" ]; then
        read -r passed _ failed _ skipped _ <<< "$closing"
        skipped=${skipped:-0}
    elif [ "$code" -eq 0 ]; then
        passed=1
    fi
    if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then # it broke off, or it is one that failed
        failed=1
    fi
    echo "== $name: $passed passed, $failed failed, $skipped skipped, $((SECONDS - begun)) s, exit $code"
    sum_passed=$((sum_passed + passed))
    sum_failed=$((sum_failed + failed))
    sum_skipped=$((sum_skipped + skipped))
done

closing="$sum_passed passed, $sum_failed failed"
[ "$sum_skipped" -eq 0 ] || closing="$closing, $sum_skipped skipped"
echo "$closing"
[ "$sum_failed" -eq 0 ]
