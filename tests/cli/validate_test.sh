#!/usr/bin/env bash
# An external validation is refused on the records that the network was trained on, however they are found.
#   validate_test.sh EXPERIMENT VALIDATE MAKE_DEMO REPORT, of which EXPERIMENT is trained on G12EC
set -euo pipefail
experiment=$PWD/$1 validate=$PWD/$2 make_demo=$PWD/$3 report=$PWD/$4
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_G12EC_DIR BUILD_WORKING_DIRECTORY
fail() { echo "FAILED: $*" && exit 1; }

refuses() {  # WHAT RUN FOLDER
  if "$validate" --model="$2" --data_dir="$3" >out 2>err; then fail "$2 should not be tested on $3"; fi
  grep -q "$1" err || { cat err; fail "the error should say $1"; }
  [ ! -e "$2/on-$(basename "$3")" ] || fail "there should be no results"
}

# Some records are shorter than 10 s, to which the run's dataset pads them, and another corpus of this layout does not.
"$make_demo" --layout=g12ec --records=60 --output_dir=georgia >out
head -qn 1 georgia/*/*.hea | grep -qv ' 5000$' || fail "some records should be shorter"
"$experiment" --data_dir=georgia --set=training.batch_size=16 --set=training.epochs=1 --output_dir=run >out 2>err ||
  { cat err; fail "a run should be trained"; }
cp -r georgia copy
own='are those that the network was trained on'
refuses "$own" run georgia
refuses "$own" run copy

# A run of a version that did not keep what the corpus is knows its folder.
cp -r run old
rm old/corpus.textproto
refuses "$own" old georgia
cp -r run damaged
echo 'records: many' >damaged/corpus.textproto
refuses 'corpus.textproto does not say which records' damaged georgia

# A part of a joined corpus, where the training found it.
cp -r run joined
sed -i -e 's|g12ec {}|joined { part { folder: "georgia" g12ec {} } }|' -e "s|data_dir: .*|data_dir: \"$PWD\"|" \
  joined/spec.textproto
grep -q 'joined' joined/spec.textproto || { cat joined/spec.textproto; fail "the spec should have a joined corpus"; }
refuses "$own" joined georgia

# Parts of one's own are in the program that trained the run.
cp -r run own
sed -i 's|multi_label {|own { type: "my::Loss" header: "my/loss.h" }\n  multi_label {|' own/spec.textproto
sed -i '/^  multi_label {/,/^  }/d' own/spec.textproto
refuses 'The program that trained the run has them, and tests it with --mode=evaluate' own georgia

# Others are tested, and packed where the run's spec has the cache.
"$make_demo" --layout=g12ec --records=60 --seed=2 --output_dir=others >out
sed -i 's|^runtime {|runtime {\n  cache_dir: "'"$PWD"'/chosen"|' run/spec.textproto
"$validate" --model=run --data_dir=others >out 2>err || { cat err; fail "other records should be tested"; }
grep -qE '^test macro ROC-AUC 0\.[0-9]{4} ' out || { cat out; fail "the score should be told"; }
[ -d chosen/packed ] || fail "the records should be packed in the run's cache"
"$report" run/on-others >out || fail "there should be a page of it"
grep -q "//cli:validate -- .*--model=$PWD/run .*--data_dir=$PWD/others" run/on-others/report.html ||
  fail "the page should say how to repeat it"
echo passed
