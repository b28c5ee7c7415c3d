#include "ecg/corpus/dataset.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/preprocessor.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/resample.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// PreprocessedDataset is a dataset whose signals are preprocessed when they are read.
class PreprocessedDataset : public AnyDataset {
 public:
  PreprocessedDataset(std::unique_ptr<AnyDataset> source, Corpus corpus, Preprocessor preprocessor)
      : source_(std::move(source)), corpus_(std::move(corpus)), preprocessor_(std::move(preprocessor)) {}

  const Corpus& corpus() const override { return corpus_; }
  const Labels& labels() const override { return source_->labels(); }
  const Split& split() const override { return source_->split(); }

  absl::StatusOr<Signal> ReadSignal(int record) const override {
    ECG_ASSIGN_OR_RETURN(const Signal signal, source_->ReadSignal(record));
    return preprocessor_.Apply(signal);
  }

 private:
  const std::unique_ptr<AnyDataset> source_;
  const Corpus corpus_;
  const Preprocessor preprocessor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AnyDataset>> Preprocessed(std::unique_ptr<AnyDataset> source,
                                                         const spec::Preprocessing& spec) {
  Corpus corpus = source->corpus();
  ECG_ASSIGN_OR_RETURN(Preprocessor preprocessor, Preprocessor::Make(spec, corpus.sampling_frequency_hz));
  corpus.samples = static_cast<int>(
      ResampledSamples(corpus.samples, corpus.sampling_frequency_hz, preprocessor.sampling_frequency_hz()));
  corpus.sampling_frequency_hz = preprocessor.sampling_frequency_hz();
  if (const std::string what = PreprocessingInWords(spec); !what.empty()) {
    absl::StrAppend(&corpus.read_with, corpus.read_with.empty() ? "" : "\n", what);
    corpus.notes.push_back(absl::StrCat("signals are preprocessed: ", what));
  }
  return std::make_unique<PreprocessedDataset>(std::move(source), std::move(corpus), std::move(preprocessor));
}

}  // namespace ecg
