#!/usr/bin/env bash
# S3 server (versitygw on a folder) on loopback, with the bucket "lab".
#   s3.sh start|stop DIR
# env: S3_PORT (9100), LAB_OWNER (see common.sh). Prints the environment of its clients; objects are files in DIR/s3/data/lab.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 2 ] || die "usage: s3.sh start|stop DIR"
CMD="$1"; DIR="$(abspath "$2")"
PORT="${S3_PORT:-9100}"; HOME_="$DIR/s3"; PIDF="$DIR/s3.pid"

case "$CMD" in
start)
  SERVER="$(ls -d "$CACHE"/versitygw-*/versitygw | sort -V | tail -1)"
  if ! pid_alive "$PIDF"; then
    mkdir -p "$HOME_/data/lab"
    # Metadata are extended attributes. In files of their own (--sidecar) a reader may get an object's old bytes with its new ETag.
    ROOT_ACCESS_KEY=labkey ROOT_SECRET_KEY=labsecret nohup "$SERVER" --port "127.0.0.1:$PORT" --region us-east-1 \
      posix "$HOME_/data" >"$HOME_/server.log" 2>&1 </dev/null &
    echo $! >"$PIDF"
    wait_for 30 "$PIDF" port_open "$PORT" || { tail -20 "$HOME_/server.log" >&2; die "the S3 server did not start"; }
    follow_owner stop_pid "$PIDF"
  fi
  echo "AWS_ENDPOINT_URL=http://127.0.0.1:$PORT"
  echo "AWS_ACCESS_KEY_ID=labkey"
  echo "AWS_SECRET_ACCESS_KEY=labsecret"
  echo "AWS_REGION=us-east-1" ;;
stop) stop_pid "$PIDF" ;;
*) die "unknown command $CMD" ;;
esac
