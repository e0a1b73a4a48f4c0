#!/usr/bin/env bash
# A Kafka of one node (KRaft) on 127.0.0.1, for the demo, the tests and the benches; not for a city.
#   kafka.sh start DIR [PORT]     starts it (or says that it is up) and waits until it answers; PORT + 1 is its controller's
#   kafka.sh stop DIR             stops it; what it holds stays in DIR/data
#   kafka.sh status DIR           says whether it is up; exit code 0 if so, 3 if not
#   kafka.sh run DIR COMMAND ...  an empty one on a free port while COMMAND runs with TOCSIN_BROKER set; its exit code
#   kafka.sh fetch                only the jars, into .cache/kafka
# Environment: KAFKA_HEAP (default "-Xms256m -Xmx1g"), KAFKA_AUTO_CREATE (default false: whoever needs a topic makes it).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/.cache/kafka
libs=$cache/libs
wait_s=60

say() { echo "kafka: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

fetch() { # once for each pom.xml; its copy beside the jars says that they are complete
  cmp -s "$here/pom.xml" "$cache/pom.xml" && return
  "$root/scripts/need.sh" java maven
  mkdir -p "$cache"
  say "fetching Kafka's jars into .cache/kafka (once, about 45 MB) ..."
  local fresh
  fresh=$(mktemp -d "$cache/fetch.XXXXXX")
  if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh" >"$cache/fetch.log" 2>&1; then
    tail -n 20 "$cache/fetch.log" >&2
    rm -rf "$fresh"
    fail "Maven could not fetch the jars (above; the whole of it in .cache/kafka/fetch.log)"
  fi
  rm -rf "$libs"
  mv "$fresh" "$libs"
  cp "$here/pom.xml" "$cache/pom.xml"
}

running() { # the recorded pid lives and is the broker of this very directory
  local pid arguments
  pid=$(cat "$dir/pid" 2>/dev/null) || return 1
  arguments=$({ tr '\0' ' ' <"/proc/$pid/cmdline" || ps -p "$pid" -o args=; } 2>/dev/null) || return 1
  [[ $arguments == *"$dir/server.properties"* ]]
}

configure() { # PORT
  cat >"$dir/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data
num.partitions=1
auto.create.topics.enable=${KAFKA_AUTO_CREATE:-false}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
P
  echo "$1" >"$dir/port"
}

format() { # a new, empty store, unless there is one
  [ -f "$dir/data/meta.properties" ] && return
  mkdir -p "$dir/data"
  local id="A"  # a leading dash would be read as an option
  id+=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-20)A
  if ! java -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" kafka.tools.StorageTool format \
      -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1; then
    tail -n 20 "$dir/format.log" >&2
    fail "the store in $dir/data could not be made (above)"
  fi
}

launch() {
  : >"$dir/server.log"
  # shellcheck disable=SC2086  # the heap is words
  setsid nohup java ${KAFKA_HEAP:--Xms256m -Xmx1g} -XX:+UseG1GC -cp "$libs/*" \
    -Dlog4j2.configurationFile="$here/log4j2.properties" kafka.Kafka "$dir/server.properties" \
    >>"$dir/server.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
}

await() { # PORT: until the broker says that it has started and its port answers
  local deadline=$((SECONDS + wait_s))
  until grep -q "Kafka Server started" "$dir/server.log" && answers "$1"; do
    if ! kill -0 "$(cat "$dir/pid")" 2>/dev/null; then  # its name is not yet the broker's just after the start
      tail -n 20 "$dir/server.log" >&2
      fail "it ended while starting (above; the whole of it in $dir/server.log)"
    fi
    [ $SECONDS -lt $deadline ] || fail "it did not answer within $wait_s s; see $dir/server.log"
    sleep 0.1
  done
}

start() { # PORT
  if running; then
    [ "$(cat "$dir/port")" = "$1" ] || fail "it is up in $dir already, on port $(cat "$dir/port"); stop it first"
    await "$1"
    say "is up already on 127.0.0.1:$1 (pid $(cat "$dir/pid"))"
    return
  fi
  local needed
  for needed in "$1" "$(($1 + 1))"; do
    ! answers "$needed" || fail "port $needed is taken by something else; choose another (it needs PORT and PORT + 1)"
  done
  fetch
  configure "$1"
  format
  launch
  await "$1"
  say "is up on 127.0.0.1:$1 (pid $(cat "$dir/pid"), log $dir/server.log)"
}

stop() {
  if ! running; then
    rm -f "$dir/pid"
    say "is not up in $dir"
    return
  fi
  local pid deadline=$((SECONDS + 30))
  pid=$(cat "$dir/pid")
  kill -CONT "$pid"  # a frozen one could not end
  kill "$pid"
  while running; do
    if [ $SECONDS -ge $deadline ]; then
      say "does not end by itself; killing it"
      kill -KILL "$pid"
      deadline=$((SECONDS + 30))
    fi
    sleep 0.1
  done
  rm -f "$dir/pid"
  say "is stopped"
}

status() {
  if running && answers "$(cat "$dir/port")"; then
    say "is up on 127.0.0.1:$(cat "$dir/port") (pid $(cat "$dir/pid"))"
  else
    say "is not up in $dir"
    exit 3
  fi
}

free_port() { # one that is free with its neighbour, below the range from which the system lends ports
  local port
  while :; do
    port=$((20000 + RANDOM % 6000 * 2))
    if ! answers "$port" && ! answers "$((port + 1))"; then
      echo "$port"
      return
    fi
  done
}

run() {
  if running; then stop; fi
  rm -rf "$dir/data"
  local port code=0
  port=$(free_port)
  trap stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start "$port"
  TOCSIN_BROKER="kafka://127.0.0.1:$port" TOCSIN_KAFKA_DIR="$dir" "$@" || code=$?
  exit "$code"
}

command=${1:-}
case $command in
  fetch) fetch; exit ;;
  start | stop | status | run) [ $# -ge 2 ] || usage ;;
  *) usage ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
case $command in
  start) start "${1:-19092}" ;;
  run) [ $# -ge 1 ] || usage; run "$@" ;;
  *) "$command" ;;
esac
