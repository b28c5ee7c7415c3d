// by_hand.cc
//
// An experiment without a .textproto file: this is all of it, and no more than what the spec compiler writes from one.
// Take it as a start where a spec does not reach, for a network, a corpus or an objective of yours that is another C++
// type: each template argument can be replaced by itself.
//
//   bazel run //examples/own_backbone:by_hand -- --demo_records=60 --set=training.batch_size=8

#include "ecg/corpus/ptbxl.h"
#include "ecg/experiment/experiment.h"
#include "ecg/experiment/main.h"
#include "ecg/model/classifier.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/train/objective.h"
#include "examples/own_backbone/tiny_conv.h"

using Program = ecg::Experiment<ecg::PtbXl,                      // the corpus
                                ecg::Classifier<my::TinyConv>,   // the network: a backbone with the paper's head
                                ecg::Trainer<ecg::MultiLabel>>;  // what it learns, and how

// The numbers that --set overrides. Its choices must be those of the template arguments.
constexpr ecg::EmbeddedSpec kSpec = {.name = "by_hand", .file = "examples/own_backbone/by_hand.cc", .text = R"(
description: "A custom backbone, put together by hand."
data { ptb_xl { sampling_frequency_hz: 100 } }
model { own { type: "my::TinyConv" header: "examples/own_backbone/tiny_conv.h" } }
training { multi_label {} }
)"};

int main(int argc, char** argv) { return ecg::Main(kSpec, Program::MakeRecipe(), argc, argv); }
