#!/usr/bin/env bash
# Runs experiments of two epochs on 200 synthetic records, and compares the tensors of their weights and their predictions
# byte for byte with those that were noted: a change of the code that means to change no number shall change none.
#   digests_test.sh DIGESTS BINARY...
#
# Which kernels compute depends on the processor, so digests are noted for each kind; on others there is nothing to
# compare with, and the test says so. After a change that means to change numbers, replace the lines that it prints.
set -uo pipefail
digests=$PWD/$1
shift
root=$PWD
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR ECG_G12EC_DIR BUILD_WORKING_DIRECTORY
cpu=$(awk -F': *' '/^vendor_id/ { v = $2 } /^cpu family/ { f = $2 } /^model\t/ { m = $2 } END { print v "-" f "-" m }' /proc/cpuinfo)
if [ "$(nproc)" -lt 2 ]; then
  echo "SKIPPED: the digests are of two threads, and this machine has one processor"
  exit 0
fi

failures=0 compared=0
for binary in "$@"; do
  name=$(basename "$binary") run=$TEST_TMPDIR/$(basename "$binary")
  "$root/$binary" --demo_records=200 --set=training.epochs=2 --set=runtime.seed=1 --set=runtime.threads=2 --device=cpu \
    --output_dir="$run" >"$run.out" 2>&1 || { echo "FAILED: $name should run"; cat "$run.out"; exit 1; }
  libtorch=$(sed -nE 's/.*"libtorch": "([^"]*)".*/\1/p' "$run/run.json")
  # Behind the header, whose length the first eight bytes tell, a safetensors file has nothing but tensors.
  header=$(od -An -tu8 -N8 "$run/model.safetensors" | tr -d ' ')
  weights=$(tail -c +$((9 + header)) "$run/model.safetensors" | sha256sum | cut -d' ' -f1)
  predictions=$(sha256sum <"$run/predictions.csv" | cut -d' ' -f1)
  line="$cpu $libtorch $name $weights $predictions"
  if ! grep -q "^$cpu $libtorch $name " "$digests"; then
    echo "nothing is noted for this processor and LibTorch: $line"
  elif grep -qxF "$line" "$digests"; then
    compared=$((compared + 1))
  else
    echo "FAILED: expected $(grep "^$cpu $libtorch $name " "$digests")"
    echo "           found $line"
    failures=$((failures + 1))
  fi
done
if [ $failures = 0 ]; then
  [ $compared = $# ] && echo "PASSED" || echo "SKIPPED: compared $compared of $#"
fi
exit $failures
