#!/bin/sh
# server.sh run NAME PROGRAM [ARGUMENT]   Runs PROGRAM with what it needs: nothing (sqlite), a Redis or a PostgreSQL server of its own on
#                              a free port of the loopback interface, its data in a directory that is removed afterwards.
# server.sh start|stop|crash NAME    The same server, for PROGRAM to interrupt (STORE_DIR and STORE_PORT say which); crash: kill -9, start.
# PROGRAM finds STORE_PORT, STORE_PASSWORD and, for TLS, STORE_TLS_PORT (Redis), server.crt and, to be refused, other.crt in STORE_DIR.
set -u
cd "$(dirname "$0")/../.." || exit 1
verb=$1 name=$2
pg_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
PATH=$PATH:$pg_bin:/usr/sbin
as() { # PostgreSQL refuses to run as root
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi
}
answers() {
  case $name in
    redis) redis-cli -h 127.0.0.1 -p "$STORE_PORT" -a "$STORE_PASSWORD" --no-auth-warning ping 2>/dev/null | grep -q PONG ;;
    postgres) as pg_isready -q -h 127.0.0.1 -p "$STORE_PORT" ;;
  esac
}
start() {
  case $name in
    redis)
      redis-server - <<END >>"$STORE_DIR/log" 2>&1 &
bind 127.0.0.1
port $STORE_PORT
tls-port $STORE_TLS_PORT
tls-cert-file $STORE_DIR/server.crt
tls-key-file $STORE_DIR/server.key
tls-auth-clients no
requirepass $STORE_PASSWORD
dir $STORE_DIR
appendonly yes
appendfsync always
save ""
END
      echo $! >"$STORE_DIR/pid" ;;
    postgres)
      as postgres -D "$STORE_DIR/data" -h 127.0.0.1 -p "$STORE_PORT" -k '' -c ssl=on -c ssl_cert_file="$STORE_DIR/server.crt" \
        -c ssl_key_file="$STORE_DIR/server.key" >>"$STORE_DIR/log" 2>&1 & ;;
  esac
  for _ in $(seq 100); do
    if answers; then
      [ "$name" = redis ] || head -n 1 "$STORE_DIR/data/postmaster.pid" >"$STORE_DIR/pid"
      return 0
    fi
    sleep 0.1
  done
  cat "$STORE_DIR/log"
  return 1
}
stop() {
  pid=$(cat "$STORE_DIR/pid" 2>/dev/null) || return 0
  rm -f "$STORE_DIR/pid"
  kill -INT "$pid" 2>/dev/null # PostgreSQL: fast shutdown
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
}
case $verb in
  start) start; exit ;;
  stop) stop; exit ;;
  crash)
    pid=$(cat "$STORE_DIR/pid")
    children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    # shellcheck disable=SC2086  # several
    kill -KILL "$pid" $children
    for _ in $(seq 200); do
      gone=1
      for p in $pid $children; do ! kill -0 "$p" 2>/dev/null || gone=0; done
      [ $gone = 0 ] || break
      sleep 0.05
    done
    start; exit ;;
esac

program=$3 argument=${4:-}
case $name in redis | postgres) ;; *) exec "$program" ${argument:+"$argument"} ;; esac
STORE_DIR=$(mktemp -d)
STORE_PASSWORD=secret-$$
# shellcheck disable=SC2046  # two numbers
set -- $(python3 -c 'import socket
s = [socket.socket() for _ in range(2)]
for x in s: x.bind(("127.0.0.1", 0))
print(*(x.getsockname()[1] for x in s))')
STORE_PORT=$1 STORE_TLS_PORT=$2
export STORE_DIR STORE_PASSWORD STORE_PORT STORE_TLS_PORT
trap 'stop; rm -rf "$STORE_DIR"' EXIT
trap 'exit 130' INT TERM
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$STORE_DIR/server.key" -out "$STORE_DIR/server.crt" \
  -days 30 -subj /CN=store -addext subjectAltName=DNS:localhost,IP:127.0.0.1 >"$STORE_DIR/log" 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$STORE_DIR/other.key" -out "$STORE_DIR/other.crt" \
  -days 30 -subj /CN=other >>"$STORE_DIR/log" 2>&1 || { cat "$STORE_DIR/log"; echo 'PASSED 0 FAILED 1 (openssl)'; exit 1; }
if [ "$name" = postgres ]; then
  chmod 711 "$STORE_DIR"
  printf '%s' "$STORE_PASSWORD" >"$STORE_DIR/password"
  mkdir "$STORE_DIR/data"
  [ "$(id -u)" != 0 ] || chown -R nobody:nogroup "$STORE_DIR"
  as initdb -D "$STORE_DIR/data" -U tester -A scram-sha-256 --pwfile="$STORE_DIR/password" -E UTF8 --locale=C --no-sync \
    >"$STORE_DIR/log" 2>&1 || { cat "$STORE_DIR/log"; echo 'PASSED 0 FAILED 1 (initdb)'; exit 1; }
fi
start || { echo "PASSED 0 FAILED 1 ($name does not start)"; exit 1; }
"$program" ${argument:+"$argument"}
