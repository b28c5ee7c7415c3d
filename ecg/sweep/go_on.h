// go_on.h
//
// A run that goes on from the checkpoint of another with fewer epochs, in a folder of its own.
//
//   ECG_RETURN_IF_ERROR(GoOn(RunFolder("runs/search/learning_rate=0.01,epochs=6"), /*epochs=*/17,
//                            RunFolder("runs/search/learning_rate=0.01,epochs=17")));

#ifndef ECG_SWEEP_GO_ON_H_
#define ECG_SWEEP_GO_ON_H_

#include "absl/status/status.h"
#include "ecg/run/run_folder.h"

namespace ecg {

// GoOn makes `to`, which must not hold a run yet, a run that `from` has begun and that is to have `epochs` epochs:
// --resume continues it. It has the spec, the history, TensorBoard's log and the checkpoint of `from`, which stays as
// it is. Tensors are not copied but linked, where the file system can: they are never changed in place. `to` appears at
// once, whole.
absl::Status GoOn(const RunFolder& from, int epochs, const RunFolder& to);

}  // namespace ecg

#endif  // ECG_SWEEP_GO_ON_H_
