// comparable_spec.h
//
// Whether two specs are of the same experiment, apart from where it is run and where its records are.
//
//   const spec::Experiment before, now;
//   const std::string differences = SpecDifferences(ComparableSpec(before), ComparableSpec(now));
//   if (!differences.empty()) return absl::FailedPreconditionError(differences);

#ifndef ECG_RUN_COMPARABLE_SPEC_H_
#define ECG_RUN_COMPARABLE_SPEC_H_

#include <cstdint>
#include <string>
#include <utility>

#include "ecg/spec/resolve.h"
#include "google/protobuf/util/message_differencer.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ComparableSpec returns `spec` with every default filled in, since a field may be newer than a run, and without what
// does not change a result: the description, the folder of the records, where the work is done, and what the model
// refuses afterwards.
inline spec::Experiment ComparableSpec(spec::Experiment spec) {
  spec = Resolve(std::move(spec));
  const int64_t seed = spec.runtime().seed();
  spec.clear_description();
  spec.clear_runtime();
  spec.clear_prediction();
  spec.mutable_runtime()->set_seed(seed);
  spec.mutable_data()->clear_data_dir();
  return spec;
}

// SpecDifferences returns a line for each field in which `before` and `now` differ; empty where there is none.
inline std::string SpecDifferences(const spec::Experiment& before, const spec::Experiment& now) {
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  differencer.Compare(before, now);
  return differences;
}

}  // namespace ecg

#endif  // ECG_RUN_COMPARABLE_SPEC_H_
