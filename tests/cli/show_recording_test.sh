#!/usr/bin/env bash
# Prints what is in ECG files, and draws them.
#   show_recording_test.sh SHOW_RECORDING
set -uo pipefail
show_recording=$PWD/$1
cd "$TEST_TMPDIR"
unset BUILD_WORKING_DIRECTORY

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# Ten seconds of three leads at 100 Hz.
make_table() { awk 'BEGIN { print "time (s),I (mV),II (mV),V1 (mV)"
  for (i = 0; i < 1000; ++i) printf "%.2f,%.3f,%.3f,%.3f\n", i / 100, sin(i / 9), sin(i / 7), cos(i / 5) }'; }
make_table >a.csv
make_table >b.csv
echo 'no recording' >bad.xml

"$show_recording" a.csv >out || fail "a table should be read"
grep -qE '^ +V1 ' out || { fail "its leads should be told"; cat out; }
"$show_recording" a.csv --plot=a.svg >out || fail "it should be drawn"
grep -q '<svg' a.svg || fail "the drawing should be an SVG"
grep -qE '^ +V1 ' out || { fail "it should still be described"; cat out; }

# A file that cannot be read does not keep the others from being drawn.
"$show_recording" a.csv bad.xml b.csv --plot=all.pdf >out 2>err && fail "a bad file should be an error"
grep -q 'bad.xml' err || { fail "the bad file should be named"; cat err; }
[ "$(grep -acE '/Type /Page( |$)' all.pdf)" = 2 ] || fail "the others should be drawn on two pages"

"$show_recording" a.csv b.csv --plot=two.svg >out 2>err && fail "an SVG should not take two"
grep -q 'only a PDF has several' err || { fail "it should say what takes two"; cat err; }
[ ! -e two.svg ] || fail "no SVG should be left"

[ $failures = 0 ] && echo "PASSED"
exit $failures
