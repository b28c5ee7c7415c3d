// any_network.h
//
// Every network there is, by its spec: for tools that compare or list them all. An experiment names the type of its own
// network instead, and compiles no other.
//
//   ECG_ASSIGN_OR_RETURN(std::shared_ptr<Network> network, AnyNetwork(spec.model(), /*leads=*/12, /*classes=*/71));

#ifndef ECG_MODEL_ANY_NETWORK_H_
#define ECG_MODEL_ANY_NETWORK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// AnyNetwork returns the network of `model` for signals of `leads` leads and `classes` classes. Its source is written
// when it is built, from the alternatives in proto/experiment.proto.
absl::StatusOr<std::shared_ptr<Network>> AnyNetwork(const spec::Model& model, int leads, int classes);

}  // namespace ecg

#endif  // ECG_MODEL_ANY_NETWORK_H_
