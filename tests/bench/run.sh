#!/bin/sh
# run.sh [--smoke] SERVER [ARGUMENT...]   Requests per second of SERVER (started as "SERVER --port N ARGUMENT...",
# endpoint /mcp, with a tool "echo") beside the floor, a bare epoll responder with answers of the same length: turn by
# turn, the server on one core and the load on another, median of the rounds. Then memory per idle connection and the
# rate with many of them. UPDATE=1 writes it into README.md at <!-- throughput -->; --smoke only tries that it all works.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=2 rounds=5 idle=5000 smoke=
[ "${1:-}" != --smoke ] || { smoke=1 seconds=0.2 rounds=1 idle=20; shift; }
server=$1
shift
load=build/bench/load request=tests/bench/call.http log=build/bench/log
mkdir -p $log
ulimit -n "$(ulimit -H -n)" 2>/dev/null
pin0= pin1=
[ "$(getconf _NPROCESSORS_ONLN)" -lt 2 ] || { pin0='taskset -c 0' pin1='taskset -c 1'; }
pids=
trap 'kill $pids 2>/dev/null' EXIT
trap 'exit 130' INT TERM
stop() { echo "$*"; echo 'PASSED 0 FAILED 1'; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # port, file for the answer
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    $load "$1" $request --show >"$2" 2>/dev/null && return 0
    sleep 0.2
  done
  return 1
}

port=$(free_port)
$pin0 "$server" --port "$port" "$@" >$log/server.txt 2>&1 &
pid=$!
pids=$pid
wait_for "$port" $log/answer.txt || stop "$server does not answer: $(tail -n 3 $log/server.txt) $(head -n 1 $log/answer.txt)"
grep -q hello $log/answer.txt || stop "unexpected answer: $(cat $log/answer.txt)"
length=$(wc -c <$log/answer.txt)
floor=$(free_port)
$pin0 build/bench/floor "$floor" "$length" &
floor_pid=$!
pids="$pids $floor_pid"
wait_for "$floor" /dev/null || stop 'the floor does not answer'

# one line of load's output as a number: field NAME FILE
field() { awk -v name="$1" '{ for (i = 1; i < NF; i++) if ($i == name) print $(i + 1) }' "$2"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
table=$log/throughput.md
say() { echo "$*" | tee -a $table; }
: >$table
say "Answers of $length bytes, $rounds rounds of $seconds s, server and load on a core each:"
say
# processor time of a process so far, in µs
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000000 / hz }' "/proc/$1/stat"; }
say '| connections | floor, req/s | server, req/s | of the floor | p50, µs (floor) | p99, µs (floor) | CPU a request, µs (floor) |'
say '|---:|---:|---:|---:|---:|---:|---:|'
failed=0
each_one() { field requests "$2" | awk -v us="$1" '{ n += $1 } END { printf "%.1f", n ? us / n : 0 }'; }
row() { # name, connections
  rm -f $log/floor $log/server
  i=0 cpu_floor=$(cpu $floor_pid) cpu_server=$(cpu $pid)
  while [ $i -lt $rounds ]; do
    $pin1 $load "$floor" $request --seconds $seconds --connections "$2" >>$log/floor
    $pin1 $load "$port" $request --seconds $seconds --connections "$2" >>$log/server
    i=$((i + 1))
  done
  cpu_floor=$(($(cpu $floor_pid) - cpu_floor)) cpu_server=$(($(cpu $pid) - cpu_server))
  a=$(field rps $log/floor | median) b=$(field rps $log/server | median)
  say "| $1 | $a | $b | $(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.0f %%", 100 * b / a }')" \
    "| $(field p50 $log/server | median) ($(field p50 $log/floor | median))" \
    "| $(field p99 $log/server | median) ($(field p99 $log/floor | median))" \
    "| $(each_one $cpu_server $log/server) ($(each_one $cpu_floor $log/floor)) |"
  if [ "$(field errors $log/server | sort -n | tail -n 1)" != 0 ] || [ "$b" = 0 ]; then
    echo 'there were errors'
    failed=1
  fi
}
row 1 1
row 16 16
$load "$port" $request --idle $idle --pid $pid >$log/idle &
pids="$pids $!"
for _ in $(seq 600); do [ ! -s $log/idle ] || break; sleep 0.1; done
row "16, and $idle idle" 16
say
say "$(field open $log/idle) of $idle idle connections, memory of the process:" \
  "$(awk '$4 { printf "%.0f", ($8 - $6) * 1024 / $4 }' $log/idle) bytes each."
[ "$(field open $log/idle)" = $idle ] || { echo 'the server did not take them all'; failed=1; }
kill -0 $pid 2>/dev/null || { echo 'the server died'; failed=1; }
[ -z "${UPDATE:-}" ] || [ $failed != 0 ] || tests/tools/readme.py throughput <$table
[ -z "$smoke" ] || echo "PASSED $((1 - failed)) FAILED $failed"
exit $failed
