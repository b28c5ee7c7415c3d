// make_ensemble.h
//
// An ensemble: one model of several finished runs, in a folder that is read like that of a run.
//
//   ECG_ASSIGN_OR_RETURN(const MadeEnsemble made, MakeEnsemble({"runs/a/1", "runs/a/2"}, "runs/ensemble"));
//   std::cout << made.run.test().score();
//
// The folder has what a run leaves (ecg/run/run_folder.h), without what only one training has. Its model.safetensors
// has no tensor, but the metadata of the ensemble; members/1, members/2, ... have those of the members with their spec
// and corpus, so that the runs may be deleted. features.safetensors is in members/1 alone: how unlike the training
// records a recording is, is what the first member says, so that it stays a comparison with validation records.

#ifndef ECG_ENSEMBLE_MAKE_ENSEMBLE_H_
#define ECG_ENSEMBLE_MAKE_ENSEMBLE_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/score/mean_of_members.h"
#include "proto/run.pb.h"

namespace ecg {

// MadeEnsemble is what was made.
struct MadeEnsemble {
  // run is the content of run.json.
  run::Run run;
  // notes are what the folder does not have, each with its reason: a test score, thresholds, model.onnx.
  std::vector<std::string> notes;
};

// MakeEnsemble makes an ensemble of the runs `members` in `folder`, which must not exist. ReadMembers says which may be
// together. All of `folder` is written under another name beside it, and then renamed.
//
// The test score is that of the mean of the members' predictions for the test records, where these are the same; and so
// are the thresholds and temperatures for the validation records. They are left out where they are not.
absl::StatusOr<MadeEnsemble> MakeEnsemble(const std::vector<std::filesystem::path>& members,
                                          const std::filesystem::path& folder,
                                          MembersMean::Of mean = MembersMean::Of::kProbability);

}  // namespace ecg

#endif  // ECG_ENSEMBLE_MAKE_ENSEMBLE_H_
