// run_json.h
//
// run.json: what a run was and what came of it, in the words of proto/run.proto.

#ifndef ECG_REPORT_RUN_JSON_H_
#define ECG_REPORT_RUN_JSON_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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

}  // namespace ecg

#endif  // ECG_REPORT_RUN_JSON_H_
