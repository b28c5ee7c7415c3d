// run_json.h
//
// run.json: the configuration and the results of a run, as proto/run.proto describes them.
//
//   ECG_ASSIGN_OR_RETURN(const run::Run run, ReadRun("runs/resnet18_all/1/run.json"));

#ifndef ECG_RUN_RUN_JSON_H_
#define ECG_RUN_RUN_JSON_H_

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/util/json_util.h"
#include "proto/run.pb.h"

namespace ecg {

// RunJson returns `run` as JSON.
inline absl::StatusOr<std::string> RunJson(const run::Run& run) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (const auto status = google::protobuf::util::MessageToJsonString(run, &json, options); !status.ok()) {
    return absl::InternalError(absl::StrCat("cannot write the run as JSON: ", std::string(status.message())));
  }
  return json;
}

// ReadRun returns the run of which `path` is the run.json. Keys that this version does not know are ignored.
inline absl::StatusOr<run::Run> ReadRun(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  run::Run run;
  if (const auto status = google::protobuf::util::JsonStringToMessage(json, &run, options); !status.ok()) {
    return absl::DataLossError(
        absl::StrCat(path.string(), " is not the run.json of a run: ", std::string(status.message())));
  }
  return run;
}

}  // namespace ecg

#endif  // ECG_RUN_RUN_JSON_H_
