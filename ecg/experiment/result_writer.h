// result_writer.h
//
// One file or folder of a run that is over.
//
// To write one of your own, give a type a `Spec`, a constructor from it and
//
//   absl::Status Write(const CompletedRun& run) const;

#ifndef ECG_EXPERIMENT_RESULT_WRITER_H_
#define ECG_EXPERIMENT_RESULT_WRITER_H_

#include <concepts>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/network.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/part_registry.h"
#include "ecg/train/objective.h"
#include "proto/run.pb.h"

namespace ecg {

struct ModelMetadata;  // ecg/run/model_metadata.h

// CompletedRun is a run after training and testing.
struct CompletedRun {
  std::filesystem::path folder;
  // The content of run.json.
  const run::Run& run;
  // In evaluation mode, with the weights that the run keeps (training.kept_weights).
  Network& network;
  const AnyObjective& objective;
  const ModelMetadata& metadata;
  // The ids of the test records, and the predictions for them, in the same order.
  const std::vector<std::string>& test_records;
  const Predictions& test;
};

// ResultWriter is the concept.
template <typename W>
concept ResultWriter = requires(const W& writer, const CompletedRun& run) {
  typename W::Spec;
  { writer.Write(run) } -> std::same_as<absl::Status>;
};

// AnyResultWriter is a writer whose type is known when the program runs.
class AnyResultWriter {
 public:
  virtual ~AnyResultWriter() = default;
  virtual absl::Status Write(const CompletedRun& run) const = 0;
};

// ResultWriters is the kind of part.
struct ResultWriters {
  static constexpr char kName[] = "result_writers";
  using Interface = AnyResultWriter;
  using Context = NoContext;

  template <ResultWriter W>
  static std::unique_ptr<AnyResultWriter> Erase(W writer) {
    struct Erased : AnyResultWriter {
      explicit Erased(W part) : writer(std::move(part)) {}
      absl::Status Write(const CompletedRun& run) const override { return writer.Write(run); }
      const W writer;
    };
    return std::make_unique<Erased>(std::move(writer));
  }
};

}  // namespace ecg

#endif  // ECG_EXPERIMENT_RESULT_WRITER_H_
