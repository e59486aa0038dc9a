#!/bin/sh
# Prints what the daemon needs, beside its budget: memory, threads, goroutines and wake-ups while four ports are idle, and
# processor time for each telephone that talks. Real binaries, the exchange on loopback. Nothing here fails on a figure:
# machines differ.
set -eu
: "${GO:=go}" "${IDLE:=30}" "${TALK:=10}"
dir=$(mktemp -d)
daemon='' exchange=''
trap 'kill $daemon $exchange 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
CGO_ENABLED=0 "$GO" build -trimpath -tags nethttpomithttp2 -ldflags '-s -w' -o "$dir" ./cmd/tipring ./cmd/tipring-lab

ip=127.83.$(($$ / 250 % 250)).$(($$ % 250 + 1)) # two of these may run at once
"$dir/tipring-lab" exchange --listen $ip:5160 --user 1001:a --user 1002:b --user 1003:c --user 1004:d >/dev/null &
exchange=$!
cat >"$dir/tipring.yaml" <<END
version: 1
services:
  - {name: main, domain: example.net, servers: ["$ip:5160"], local: "$ip:5060", start_jitter: 0s}
ports:
  - {port: 1, enabled: true, user: "1001", password: a, digit_map: xxxx}
  - {port: 2, enabled: true, user: "1002", password: b, digit_map: xxxx}
  - {port: 3, enabled: true, user: "1003", password: c, digit_map: xxxx}
  - {port: 4, enabled: true, user: "1004", password: d, digit_map: xxxx}
END
export TIPRING_SOCKET="$dir/tipring.sock"
"$dir/tipring" serve -c "$dir/tipring.yaml" 2>"$dir/log" &
daemon=$!
t() { "$dir/tipring" "$@"; }
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(t show port status 2>/dev/null | grep -c reg-ok)" = 4 ] && break
	sleep 0.5
done

status() { awk -v k="$1:" '$1 == k { print $2 }' /proc/$daemon/status; }
switches() { cat /proc/$daemon/task/*/status | awk '/_ctxt_switches/ { n += $2 } END { print n }'; }
ticks() { sed 's/.*) //' /proc/$daemon/stat | awk '{ print $12 + $13 }'; }
line() { printf '%-34s %10s  %s\n' "$1" "$2" "$3"; }

sleep 8 # the collector settles
a=$(switches)
sleep "$IDLE"
b=$(switches)
line "idle, 4 ports: resident memory" "$(status VmRSS) kB" "budget 12288 kB"
line "  of it not shared with the file" "$(status RssAnon) kB" ""
line "  threads" "$(status Threads)" ""
line "  context switches each second" "$(awk "BEGIN { printf \"%.2f\", ($b - $a) / $IDLE }")" "budget 1"

call() { # from to number
	t phone "$1" lift && t phone "$1" wait dial 5 >/dev/null && t phone "$1" dial "$3" && t phone "$2" wait ring 10 >/dev/null && t phone "$2" lift
}
call 1 2 1002
call 3 4 1004
sleep 2
a=$(ticks)
sleep "$TALK"
b=$(ticks)
line "G.711, each telephone that talks" "$(awk "BEGIN { printf \"%.2f\", ($b - $a) / $(getconf CLK_TCK) / $TALK / 4 * 100 }") %" "of one core, with the simulated telephone and the kernel (the budget of 0.3 % is for the pump: BenchmarkCall)"
line "  resident memory, 4 in calls" "$(status VmRSS) kB" ""
kill -QUIT $daemon
wait $daemon 2>/dev/null || true
daemon=''
line "  goroutines, 4 in calls" "$(grep -c '^goroutine ' "$dir/log")" ""
