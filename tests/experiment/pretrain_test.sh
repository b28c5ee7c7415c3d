#!/usr/bin/env bash
# Pre-trains without labels and fine-tunes, as a person does, on a few synthetic records: by contrastive predictive
# coding, and by joint-embedding prediction.
#   pretrain_test.sh PRETRAIN FINE_TUNE JOINT_PRETRAIN JOINT_FINE_TUNE
set -uo pipefail
pretrain=$PWD/$1
fine_tune=$PWD/$2
joint_pretrain=$PWD/$3
joint_fine_tune=$PWD/$4
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
small=(--demo_records=120 --device=cpu --set=training.batch_size=16 --set='model.s4_cpc={channels: 16 layers: 2}')

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
succeeds() { "$@" >out 2>err || { fail "$* should succeed"; cat err; }; }
# refuses MESSAGE COMMAND...: exit status 1 and an error that has MESSAGE in it.
refuses() {
  local message=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  [ $status = 1 ] || fail "$* should exit with 1, not $status"
  grep -qF -- "$message" err || { fail "$* should say: $message"; cat err; }
}
column() { awk -F, -v column="$2" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == column) c = i } NR > 1 { print $c }' "$1/history.csv"; }

# Pre-training needs no labels, is scored by its own task, and goes on after a stop as if there had been none.
short=(--set=data.crop_seconds=2.5 --set=evaluation.stride_seconds=2.5)
succeeds "$pretrain" "${small[@]}" "${short[@]}" --set=training.epochs=3 --output_dir=whole
grep -qF 'task      no labels, ' out || { fail "the summary should say that there are no labels"; cat out; }
tail -n 1 out | grep -qE '^test pretext score 0\.[0-9]{4} \(bootstrap mean 0\.[0-9]{4}, 5% 0\.[0-9]{4}, 95% 0\.[0-9]{4}\)$' ||
  { fail "the last line should be the score"; cat out; }
grep '^epoch' out | grep -q classes && fail "the score is no mean over classes, so none should be counted"
column whole train_loss | awk 'NR == 1 { first = $1 } END { exit !($1 < first) }' || fail "the loss should fall"
[ ! -e whole/features.safetensors ] || fail "nothing is predicted with a network without classes"
[ ! -e whole/model.onnx ] || fail "a network without classes has no model.onnx"
head -n 1 whole/predictions.csv | grep -qx 'record,target_loss,probability_loss,target_score,probability_score' ||
  fail "predictions.csv should have loss and score"
succeeds "$pretrain" "${small[@]}" "${short[@]}" --set=training.epochs=1 --output_dir=stopped
succeeds "$pretrain" --resume --set=training.epochs=3 --output_dir=stopped
cmp whole/model.safetensors stopped/model.safetensors || fail "a run that went on should have the same weights"
tail -n 1 out >before
succeeds "$pretrain" --mode=evaluate --output_dir=stopped
tail -n 1 out | cmp - before || fail "the same model should have the same score"

# Fine-tuning begins with the body of that run and a new head, and says so.
tune=("$fine_tune" "${small[@]}" --set=training.epochs=2)
succeeds "${tune[@]}" --initial_weights=whole --output_dir=tuned
grep -qF "whole/model.safetensors (backbone)" out || { fail "the summary should name the weights"; cat out; }
grep -qF "\"sha256\": \"$(sha256sum whole/model.safetensors | cut -d' ' -f1)\"" tuned/run.json ||
  fail "run.json should say what the run started from"
[ -s tuned/model.onnx ] || fail "a fine-tuned network should have a model.onnx"
succeeds "${tune[@]}" --set=training.start_from.weights=whole --output_dir=by_spec
cmp tuned/model.safetensors by_spec/model.safetensors || fail "the flag and the spec should do the same"
succeeds "${tune[@]}" --set=training.epochs=1 --initial_weights=whole --output_dir=stopped_tuning
succeeds "$fine_tune" --resume --set=training.epochs=2 --output_dir=stopped_tuning
cmp tuned/model.safetensors stopped_tuning/model.safetensors || fail "fine-tuning should go on after a stop"
succeeds "${tune[@]}" --initial_weights=RANDOM --output_dir=random
column random train_loss | head -n 1 >of_random
column tuned train_loss | head -n 1 | cmp -s - of_random && fail "random weights should be others"

# A frozen body stays as it was trained before.
frozen='--set=training.parameter_group=[{prefix: "backbone" frozen: true}]'
succeeds "${tune[@]}" "$frozen" --initial_weights=whole --output_dir=probe

# So do the members of an ensemble.
succeeds "${tune[@]}" "$frozen" --set=model.ensemble_size=2 --set=training.epochs=1 --initial_weights=whole --output_dir=two
grep -qF "whole/model.safetensors (backbone)" out || { fail "the members should begin with the weights"; cat out; }

# What is asked for and cannot be is refused, and nothing is left behind.
refuses 'training.start_from names no weights' "${tune[@]}" --output_dir=new
refuses 'no tensor of the network has the prefix "backbon"; did you mean backbone?' "${tune[@]}" --initial_weights=whole \
  --set='training.start_from.part=[{prefix: "backbon"}]' --output_dir=new
refuses 'no tensor of the file has the prefix "encoder"' "${tune[@]}" --initial_weights=whole \
  --set='training.start_from.part=[{prefix: "backbone" prefix_in_file: "encoder"}]' --output_dir=new
refuses 'of another shape: backbone.encoder.0.0.weight (expected [8, 12, 3], found [16, 12, 3])' "${tune[@]}" \
  --set='model.s4_cpc={channels: 8 layers: 2}' --initial_weights=whole --output_dir=new
refuses 'no tensor of the network has the prefix "body"' "${tune[@]}" --initial_weights=whole \
  --set='training.parameter_group=[{prefix: "body" frozen: true}]' --output_dir=new
refuses 'cannot read nowhere' "${tune[@]}" --initial_weights=nowhere --output_dir=new
[ ! -e new ] || fail "new should not be there"

# Joint-embedding prediction: the teacher and its steps are part of the run.
vit=(--demo_records=120 --device=cpu --set=data.ptb_xl.sampling_frequency_hz=100 --set=training.batch_size=16
  --set=training.optimizer.constant={} --set='model.vision_transformer={layers: 2 model_dim: 16}')
joint=("$joint_pretrain" "${vit[@]}" --set='model.joint_embedding_head={layers: 1 model_dim: 8 teacher_steps: 20}'
  --set=training.validate_every_epochs=1)
succeeds "${joint[@]}" --set=training.epochs=3 --output_dir=joint
column joint train_loss | awk 'NR == 1 { first = $1 } END { exit !($1 < first) }' || fail "the loss should fall"
succeeds "${joint[@]}" --set=training.epochs=1 --output_dir=joint_stopped
succeeds "$joint_pretrain" --resume --set=training.epochs=3 --output_dir=joint_stopped
cmp joint/model.safetensors joint_stopped/model.safetensors || fail "the teacher should go on, too"
succeeds "$joint_fine_tune" "${vit[@]}" --set=training.epochs=1 --initial_weights=joint --output_dir=joint_tuned
grep -qF "joint/model.safetensors (backbone)" out || { fail "the summary should name the weights"; cat out; }
[ -s joint_tuned/model.onnx ] || fail "a fine-tuned vision transformer should have a model.onnx"
refuses 'it must divide the samples of a crop' "$joint_fine_tune" "${vit[@]}" --initial_weights=joint \
  --set='model.vision_transformer={layers: 2 model_dim: 16 patch_samples: 24}' --output_dir=new

[ $failures = 0 ] && echo "PASSED"
exit $failures
