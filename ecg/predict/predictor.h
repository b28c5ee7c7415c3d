// predictor.h
//
// A trained model that reads ECGs: the network of a run, or those of an ensemble, with everything around it.
//
//   ECG_ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Load("runs/resnet18_all/1"));
//   ECG_ASSIGN_OR_RETURN(const Signal signal, ReadWfdb("records500/00000/00001_hr"));
//   ECG_ASSIGN_OR_RETURN(const std::vector<float> probabilities, predictor.Predict(signal));
//   std::cout << predictor.model().classes[0] << " " << probabilities[0];
//
// Preprocessing, windows, standardisation, precision and aggregation are those of the run's own test, so the
// probabilities of a test record are those of predictions.csv. Of an ensemble, each member predicts as it would alone,
// and the probabilities are the mean.

#ifndef ECG_PREDICT_PREDICTOR_H_
#define ECG_PREDICT_PREDICTOR_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/predict/explanation.h"
#include "ecg/run/model_metadata.h"
#include "ecg/score/unlikeness.h"
#include "ecg/signal/signal.h"

namespace ecg {

struct Recipe;
namespace spec {
class Experiment;
}

// PredictorOptions say where and how to compute.
struct PredictorOptions {
  // "cpu", "cuda" or "cuda:N".
  std::string device = "cpu";
  // Windows that the network sees at a time, at most; 0 is the run's own number.
  int batch_windows = 0;
};

// Prediction is what a model says of one signal.
struct Prediction {
  // The probability of each class.
  std::vector<float> probabilities = {};
  // unlikeness says how unlike the training records the signal is; of an ensemble, what the first member says. Nothing
  // where the run does not know: its network has no features, or it is of an older version.
  std::optional<Unlikeness> unlikeness = {};
};

// Predictor is a cheap handle: copies share the networks. All methods are thread-safe, and there is no other state.
class Predictor {
 public:
  // Load opens the run or the ensemble in the folder `run`, whose parts must all be this project's. It lies in
  // load_stock.cc, so that programs with a Recipe do not link all networks.
  static absl::StatusOr<Predictor> Load(const std::filesystem::path& run, const PredictorOptions& options = {});
  // Load opens a run with the parts of `recipe`, which may be one's own. An ensemble's members must all have them.
  static absl::StatusOr<Predictor> Load(const std::filesystem::path& run, const Recipe& recipe,
                                        const PredictorOptions& options = {});

  // model returns the classes in the order of the probabilities, the sampling frequency, thresholds, ...
  const ModelMetadata& model() const;

  // Check refuses a signal of another sampling frequency than the model's, one that is shorter than a window (of an
  // ensemble, the longest one), and one that cannot be preprocessed. PredictAll does not fail on a signal that passes.
  absl::Status Check(const Signal& signal) const;

  // Predict returns the probability of each class.
  absl::StatusOr<std::vector<float>> Predict(const Signal& signal) const;

  // PredictAll returns what the model says of each signal. On a CUDA device windows of several signals share a batch;
  // on a CPU each signal's probabilities have the digits that Predict gives.
  absl::StatusOr<std::vector<Prediction>> PredictAll(std::span<const Signal> signals) const;

  // Explain returns which samples the probability of class number `class_index` comes from. The integral is taken in as
  // many steps, 32 to 512, as it needs to miss at most 2% of the difference from a flat signal, or 0.02. Of an
  // ensemble, it is the mean of what the members explain, which is the explanation of the mean of their logits.
  absl::StatusOr<Explanation> Explain(const Signal& signal, int class_index) const;

 private:
  struct Network;
  struct Model;
  // RecipeOf returns the recipe of a run in a folder, whose spec is given.
  using RecipeOf =
      std::function<absl::StatusOr<Recipe>(const std::filesystem::path& run, const spec::Experiment& spec)>;

  explicit Predictor(std::shared_ptr<const Model> loaded);
  // Open opens the run or the ensemble in `run`, with the recipe of each network.
  static absl::StatusOr<Predictor> Open(const std::filesystem::path& run, const RecipeOf& recipe_of,
                                        const PredictorOptions& options);
  // OpenNetwork opens the run in `run`, which may be a member.
  static absl::StatusOr<std::unique_ptr<const Network>> OpenNetwork(const std::filesystem::path& run,
                                                                    const RecipeOf& recipe_of,
                                                                    const PredictorOptions& options);

  std::shared_ptr<const Model> loaded_;
};

}  // namespace ecg

#endif  // ECG_PREDICT_PREDICTOR_H_
