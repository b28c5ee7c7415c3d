# shellcheck shell=bash
# Sourced by benchmarks of whole programs. They set `work`, a folder for the programs' output.

# measure COMMAND... prints the wall-clock time in seconds and the peak anonymous memory in MB of a command. If it
# fails, the benchmark ends with its standard error.
measure() {
  local start=$EPOCHREALTIME most=0 now
  "$@" >"$work/out" 2>"$work/err" &
  while kill -0 $! 2>"$work/gone"; do
    now=$(awk '/^RssAnon/ { print $2 }' /proc/$!/status 2>"$work/gone") || now=0
    if [ "${now:-0}" -gt "$most" ]; then most=$now; fi
    sleep 0.1
  done
  wait $! || { cat "$work/err" >&2; exit 1; }
  awk -v from="$start" -v to="$EPOCHREALTIME" -v kb="$most" 'BEGIN { print to - from, int(kb / 1024) }'
}
