#!/usr/bin/env bash
# Installs what the interop suite, the benchmark and the linter need, into the cache; quick when everything is there.
#   setup.sh [spark] [lab] [s3] [s3a] [bench] [lint]        nothing named: spark lab s3 lint
# env: HUDI_GO_CACHE (~/.cache/hudi-go). Needs Go and python3; Java, Maven, PostgreSQL and MariaDB come from Debian's packages
# when this runs as root. All packages come from registries through their ordinary clients.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
PYSPARK=3.5.7
HUDI_OLD="0.15.0 1.0.2" # the releases of table versions 6 and 8, beside the pom's
GOLANGCI=v2.15.0
VERSITYGW=v1.8.0

# need COMMAND PACKAGE: a command from Debian's packages
need() {
  command -v "$1" >/dev/null && return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "$1 is missing: install it (Debian: $2)"
  log "installing $2"
  apt-get update -q >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2" >&2
}

# pip_need NAME VERSION: into the cache's venv
pip_need() {
  [ -x "$CACHE/venv/bin/python" ] || python3 -m venv "$CACHE/venv"
  compgen -G "$CACHE/venv/lib/python*/site-packages/$1-$2.dist-info" >/dev/null && return 0
  log "installing $1 $2"
  "$CACHE/venv/bin/pip" install -q "${1//_/-}==$2" >&2
}

setup_spark() {
  need java openjdk-17-jre-headless
  need mvn maven
  pip_need pyspark "$PYSPARK"
  fetch_jars hudi-spark >/dev/null
  local version
  for version in $HUDI_OLD; do fetch_jars hudi-spark "$version" >/dev/null; done
}

setup_lab() {
  need java openjdk-17-jre-headless
  need mvn maven
  need curl curl
  fetch_jars kafka >/dev/null
  fetch_jars connect >/dev/null
  fetch_jars debezium-postgres >/dev/null
  fetch_jars debezium-mariadb >/dev/null
  if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null && ! command -v initdb >/dev/null; then
    # Debian's package would make and start a cluster of its own
    [ "$(id -u)" != 0 ] || { mkdir -p /etc/postgresql-common; echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; }
    need initdb postgresql
  fi
  PATH="$PATH:/usr/sbin" need mariadbd mariadb-server
}

setup_bench() {
  "$LAB_HOME/setup.sh" spark lab
  fetch_jars spark-kafka >/dev/null
  pip_need numpy 2.4.6
  pip_need pyarrow 26.0.1
  pip_need duckdb 2.0.1
  pip_need hudi 0.5.0
  pip_need confluent_kafka 2.16.1
}

setup_s3() {
  [ -x "$CACHE/versitygw-$VERSITYGW/versitygw" ] && return 0
  log "building versitygw $VERSITYGW"
  GOBIN="$CACHE/versitygw-$VERSITYGW" CGO_ENABLED=0 go install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW" >&2
}

setup_s3a() { # for a Spark that reads and writes S3
  "$LAB_HOME/setup.sh" spark
  fetch_jars s3a >/dev/null
}

setup_lint() {
  [ -x "$CACHE/golangci-lint-$GOLANGCI/golangci-lint" ] && return 0
  log "building golangci-lint $GOLANGCI"
  GOBIN="$CACHE/golangci-lint-$GOLANGCI" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$GOLANGCI" >&2
}

[ $# -gt 0 ] || set -- spark lab s3 lint
mkdir -p "$CACHE"
for part in "$@"; do
  case "$part" in spark | lab | s3 | s3a | bench | lint) ;; *) die "unknown part $part" ;; esac
  exec 9>"$CACHE/setup-$part.lock"
  flock 9 # test packages run side by side
  "setup_$part"
done
