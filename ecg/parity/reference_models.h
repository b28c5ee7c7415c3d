// reference_models.h
//
// The networks that are compared with the reference, under its names. A new family registers itself here.

#ifndef ECG_PARITY_REFERENCE_MODELS_H_
#define ECG_PARITY_REFERENCE_MODELS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/resnet.h"
#include "proto/experiment.pb.h"

namespace ecg {

// NetworkMaker makes a network for 12 leads and a number of classes; `head` is that of the spec.
using NetworkMaker = std::function<std::shared_ptr<Network>(const spec::Head& head, int classes)>;

// MakerOf returns the maker of a backbone as its spec's defaults have it.
template <Backbone B>
NetworkMaker MakerOf() {
  return [](const spec::Head& head, int classes) -> std::shared_ptr<Network> {
    spec::Model model;
    *model.mutable_head() = head;
    return std::make_shared<Classifier<B>>(model, /*leads=*/12, classes);
  };
}

// ReferenceModels returns every network that has a counterpart in the reference.
inline const std::map<std::string, NetworkMaker>& ReferenceModels() {
  static const auto* models = new std::map<std::string, NetworkMaker>{
      {"resnet1d-18", MakerOf<ResNet<BasicBlock, 2, 2, 2, 2>>()},
  };
  return *models;
}

}  // namespace ecg

#endif  // ECG_PARITY_REFERENCE_MODELS_H_
