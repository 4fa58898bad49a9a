# Shared helpers of the lab scripts; sourced, never run.
LAB_HOME="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
CACHE="${HUDI_GO_CACHE:-$HOME/.cache/hudi-go}"

log() { printf '%s\n' "$*" >&2; }
die() { log "error: $*"; exit 1; }
abspath() { mkdir -p "$1" && (cd "$1" && pwd); }

# fetch_jars PROFILE [HUDI_VERSION]: resolve one profile of pom.xml into the cache, once; with another version of Hudi
# than the pom's into a folder of its own. Prints the folder.
fetch_jars() {
  local dir="$CACHE/lab/jars/$1${2:+-$2}"
  if [ ! -f "$dir/.complete" ]; then
    log "fetching the jars of $1${2:+ $2}"
    mkdir -p "$dir"
    mvn -q -B -f "$LAB_HOME/pom.xml" -P"$1" ${2:+-Dhudi.version="$2"} dependency:copy-dependencies -DoutputDirectory="$dir" \
      >"$dir/.mvn.log" 2>&1 </dev/null || { tail -5 "$dir/.mvn.log" >&2; die "maven could not resolve $1"; }
    touch "$dir/.complete"
  fi
  echo "$dir"
}

pid_alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# stop_pid PIDFILE [SECONDS]: TERM, wait, KILL; only the recorded process.
stop_pid() {
  local file="$1" left="$((${2:-20} * 5))" pid
  [ -s "$file" ] || return 0
  pid="$(cat "$file")"
  if kill "$pid" 2>/dev/null; then
    while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.2; left=$((left - 1)); done
    kill -9 "$pid" 2>/dev/null || true
  fi
  rm -f "$file"
}

# follow_owner COMMAND…: run COMMAND when the process LAB_OWNER is gone, so that a killed test leaves no server behind.
follow_owner() {
  [ -n "${LAB_OWNER:-}" ] || return 0
  (
    while kill -0 "$LAB_OWNER" 2>/dev/null; do sleep 2; done
    "$@"
  ) >/dev/null 2>&1 </dev/null &
}

# wait_for SECONDS PIDFILE COMMAND…: until COMMAND succeeds; fails early when the process died.
wait_for() {
  local left="$(($1 * 5))" file="$2"
  shift 2
  while [ "$left" -gt 0 ]; do
    "$@" >/dev/null 2>&1 && return 0
    pid_alive "$file" || return 1
    sleep 0.2
    left=$((left - 1))
  done
  return 1
}
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# write_log4j FILE: warnings to the console; the caller may append loggers.
write_log4j() {
  cat >"$1" <<P
rootLogger.level=warn
rootLogger.appenderRefs=c
rootLogger.appenderRef.c.ref=c
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
P
}
