// checkpoint.h
//
// Checkpoints, written after every epoch, from which training can be resumed.
//
//   checkpoints/epoch-0007.safetensors   the network and the optimizer after the last epoch
//   checkpoints/best-0005.safetensors    the network after the best epoch
//   checkpoints/state.textproto          names the two files; written last, so that they are always complete

#ifndef ECG_TRAIN_CHECKPOINT_H_
#define ECG_TRAIN_CHECKPOINT_H_

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "ecg/file/file.h"
#include "ecg/model/weights.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/optimizer.h"
#include "google/protobuf/text_format.h"
#include "proto/run.pb.h"

namespace ecg {

// Checkpoints is the checkpoint folder of a training run.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // exists returns whether there is a checkpoint to resume from.
  bool exists() const { return std::filesystem::exists(folder_ / kStateFile); }

  // Save writes the network, the optimizer, the averaged weights (empty if there are none), `state`, whose file names
  // it sets, and, unless nullptr, `best` as the best network. Older files are deleted once the new state is on disk.
  absl::Status Save(const NamedTensors& network, const Optimizer& optimizer, const NamedTensors& average,
                    const NamedTensors* best, run::TrainingState& state) {
    ECG_RETURN_IF_ERROR(MakeDirectories(folder_));
    const int epoch = state.history_size();
    NamedTensors last;
    for (const auto& [name, tensor] : network) last.emplace(kNetworkPrefix + name, tensor);
    for (const auto& [name, tensor] : optimizer.state()) last.emplace(kOptimizerPrefix + name, tensor);
    for (const auto& [name, tensor] : average) last.emplace(kAveragePrefix + name, tensor);
    state.set_steps(optimizer.steps());
    state.set_last_file(absl::StrFormat("epoch-%04d.safetensors", epoch));
    ECG_RETURN_IF_ERROR(WriteTensors(folder_ / state.last_file(), last));
    if (best != nullptr) {
      state.set_best_file(absl::StrFormat("best-%04d.safetensors", epoch));
      ECG_RETURN_IF_ERROR(WriteTensors(folder_ / state.best_file(), *best));
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(state, &text);
    ECG_RETURN_IF_ERROR(WriteFile(folder_ / kStateFile, text));
    DeleteAllBut(state);
    return absl::OkStatus();
  }

  // ReadState returns the state that was saved last.
  absl::StatusOr<run::TrainingState> ReadState() const {
    ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder_ / kStateFile));
    run::TrainingState state;
    if (!google::protobuf::TextFormat::ParseFromString(text, &state)) {
      return absl::DataLossError(absl::StrCat((folder_ / kStateFile).string(),
                                              " is not a training state; delete the folder to train from scratch"));
    }
    return state;
  }

  // Load copies the last checkpoint into the tensors of `network`, `optimizer` and `average`, and returns the state.
  absl::StatusOr<run::TrainingState> Load(const NamedTensors& network, Optimizer& optimizer,
                                          const NamedTensors& average) const {
    ECG_ASSIGN_OR_RETURN(run::TrainingState state, ReadState());
    const std::filesystem::path path = folder_ / state.last_file();
    ECG_ASSIGN_OR_RETURN(const NamedTensors last, ReadTensors(path));
    NamedTensors of_network, of_optimizer, of_average;
    for (const auto& [name, tensor] : last) {
      absl::string_view rest = name;
      if (absl::ConsumePrefix(&rest, kNetworkPrefix)) of_network.emplace(rest, tensor);
      if (absl::ConsumePrefix(&rest, kOptimizerPrefix)) of_optimizer.emplace(rest, tensor);
      if (absl::ConsumePrefix(&rest, kAveragePrefix)) of_average.emplace(rest, tensor);
    }
    ECG_RETURN_IF_ERROR(WithContext(LoadState(of_network, network), path.string()));
    ECG_RETURN_IF_ERROR(WithContext(LoadState(of_optimizer, optimizer.state()), path.string()));
    // Pretrained weights have no average: it starts as a copy of them.
    if (of_average.empty()) of_average = of_network;
    if (!average.empty()) ECG_RETURN_IF_ERROR(WithContext(LoadState(of_average, average), path.string()));
    optimizer.set_steps(state.steps());
    return state;
  }

  // Best returns the network of the best epoch of `state`.
  absl::StatusOr<NamedTensors> Best(const run::TrainingState& state) const {
    return ReadTensors(folder_ / state.best_file());
  }

 private:
  static constexpr char kStateFile[] = "state.textproto";
  static constexpr char kNetworkPrefix[] = "network.";
  static constexpr char kOptimizerPrefix[] = "optimizer.";
  static constexpr char kAveragePrefix[] = "average.";

  // A file that cannot be deleted only wastes disk space, so errors are ignored.
  void DeleteAllBut(const run::TrainingState& state) const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
      const std::string name = entry.path().filename().string();
      const bool ours = absl::StartsWith(name, "epoch-") || absl::StartsWith(name, "best-");
      if (ours && name != state.last_file() && name != state.best_file()) {
        std::filesystem::remove(entry.path(), ignored);
      }
    }
  }

  std::filesystem::path folder_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_CHECKPOINT_H_
