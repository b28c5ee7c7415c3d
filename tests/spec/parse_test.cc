#include "ecg/spec/parse.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr absl::string_view kSmallest = "data { ptb_xl {} }\nmodel { resnet {} }\ntraining { multi_label {} }\n";

// The error of a spec called x.textproto; "" when there is none.
std::string Error(absl::string_view text) {
  return std::string(ParseExperiment(text, "x.textproto").status().message());
}

// The error of the smallest spec with `more` in its fourth line.
std::string ErrorWith(absl::string_view more) { return Error(absl::StrCat(kSmallest, more)); }

TEST(ParseTest, ReadsTheSmallestSpecWithItsDefaults) {
  const absl::StatusOr<spec::Experiment> spec = ParseExperiment(kSmallest, "x.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_TRUE(spec->model().has_resnet());
  EXPECT_EQ(spec->training().optimizer().learning_rate(), 0.001);
}

TEST(ParseTest, AsksForEachChoiceThatMustBeMade) {
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(Error(""), '\n')),
              ElementsAre("x.textproto:1:1: data has no dataset; choose one: ptb_xl {} or g12ec {} or cpsc2018 {} "
                          "or cinc_challenge {} or recordings {} or joined {} or own {}",
                          StartsWith("x.textproto:1:1: model has no backbone; choose one: resnet {} or senet {} or "),
                          "x.textproto:1:1: training has no objective; choose one: multi_label {} or multi_class {} or "
                          "self_supervised {} or own {}"));
  EXPECT_THAT(Error("data { ptb_xl {} }\n  model {}\ntraining { multi_label {} }"),
              StartsWith("x.textproto:2:3: model has no backbone; choose one: resnet {} or senet {} or "));
}

TEST(ParseTest, RefusesAHeadBesideANetworkThatTakesNone) {
  EXPECT_EQ(Error("data { ptb_xl {} }\nmodel {\n  fcn {}\n  head {}\n}\ntraining { multi_label {} }"),
            "x.textproto:4:3: model.head is given; model.fcn takes no head, as its last layer gives the logits; leave "
            "it out");
}

TEST(ParseTest, RefusesTwoHeadsOfOneNetwork) {
  EXPECT_EQ(Error("data { ptb_xl {} }\nmodel {\n  xresnet { head {} }\n  linear_head {}\n}\n"
                  "training { multi_label {} }"),
            "x.textproto:3:13: model.xresnet.head is given; model.linear_head replaces that head; leave one of them "
            "out");
}

TEST(ParseTest, RefusesPretrainingThatDoesNotFitTogether) {
  const auto error = [](absl::string_view model, absl::string_view rest) {
    return Error(absl::StrCat("data { ptb_xl {} }\nmodel { ", model, " }\n", rest));
  };
  EXPECT_EQ(error("s4_cpc {} contrastive_head {}", "training { self_supervised {} }\nevaluation { mean_logit {} }"),
            "");
  EXPECT_THAT(error("s4_cpc {} contrastive_head {}", "training { multi_label {} }"),
              StartsWith("x.textproto:2:19: model.contrastive_head is given; it has no classes, and needs "
                         "training.self_supervised"));
  EXPECT_THAT(error("resnet {} contrastive_head {}", "training { self_supervised {} }\nevaluation { mean_logit {} }"),
              StartsWith("x.textproto:2:19: model.contrastive_head is given; it needs a backbone with an encoding"));
  EXPECT_THAT(error("s4_cpc {} contrastive_head {} ensemble_size: 3",
                    "training { self_supervised {} }\nevaluation { mean_logit {} }"),
              StartsWith("x.textproto:2:39: model.ensemble_size is 3; pre-training takes one network"));
  const absl::string_view without_graphs =
      "training { self_supervised {} }\nevaluation { mean_logit {} }\nruntime { cuda_graphs: false }";
  EXPECT_EQ(error("vision_transformer {} joint_embedding_head {}", without_graphs), "");
  EXPECT_THAT(error("vision_transformer {} joint_embedding_head {}",
                    "training { self_supervised {} }\nevaluation { mean_logit {} }"),
              StartsWith("x.textproto:2:31: model.joint_embedding_head is given; it hides other patches in each step, "
                         "which no CUDA graph can repeat; set runtime.cuda_graphs to false"));
  EXPECT_THAT(error("vision_transformer {} joint_embedding_head {}",
                    "training { multi_label {} }\nruntime { cuda_graphs: false }"),
              StartsWith("x.textproto:2:31: model.joint_embedding_head is given; it has no classes, and needs "
                         "training.self_supervised"));
  EXPECT_THAT(error("s4_cpc {} joint_embedding_head {}", without_graphs),
              StartsWith("x.textproto:2:19: model.joint_embedding_head is given; it needs a backbone of patches"));
  EXPECT_THAT(error("vision_transformer {} joint_embedding_head { min_visible_share: 0.5 }", without_graphs),
              StartsWith("x.textproto:2:54: model.joint_embedding_head.min_visible_share is 0.5; it must be at most "
                         "max_visible_share, which is 0.25"));
  EXPECT_THAT(error("vision_transformer { heads: 5 } linear_head {}", "training { multi_label {} }"),
              StartsWith("x.textproto:2:30: model.vision_transformer.heads is 5; it must divide model_dim, which is "
                         "192"));
  EXPECT_THAT(error("s4_cpc {}", "training { self_supervised {} }\nevaluation { mean_logit {} }"),
              StartsWith("x.textproto:3:12: training.self_supervised is given; the network must compute its own loss"));
  EXPECT_THAT(error("s4_cpc {} contrastive_head {}", "training { self_supervised {} }"),
              StartsWith("x.textproto:3:12: training.self_supervised is given; losses and scores of windows are "
                         "averaged; choose evaluation.mean_logit"));
  EXPECT_EQ(error("resnet {}", "training { multi_label {} start_from { part {} } }"),
            "x.textproto:3:45: training.start_from.part[0] has no prefix; write what the names of its parameters begin "
            "with, such as prefix: \"backbone\"");
}

TEST(ParseTest, SaysInWordsWhichNumbersAFieldAccepts) {
  EXPECT_EQ(ErrorWith("evaluation { bootstrap { resamples: 0 } }"),
            "x.textproto:4:26: evaluation.bootstrap.resamples is 0; it must be at least 1 and at most 1000000");
  EXPECT_EQ(Error("data { ptb_xl {} }\nmodel { resnet {} head { dropout: 1 } }\n"
                  "training { multi_label {}\n  optimizer { learning_rate: -0.0001 }\n}"),
            "x.textproto:2:26: model.head.dropout is 1; it must be at least 0 and below 1\n"
            "x.textproto:4:15: training.optimizer.learning_rate is -0.0001; it must be above 0 and at most 10");
}

TEST(ParseTest, ReportsAllErrorsInTheOrderOfTheText) {
  EXPECT_EQ(
      Error("data {\n"
            "  split: 0 ptb_xl { task: EVERYTHING }\n"
            "}\n"
            "modle { resnet {} }\n"
            "training {\n"
            "  learning_rate: 0.1\n"
            "  epochs: 0\n"
            "  batch_size: \"64\"\n"
            "}\n"),
      "x.textproto:2:3: data.split is 0; it must be at least 1 and at most 1000000\n"
      "x.textproto:2:27: data.ptb_xl.task is EVERYTHING; write RHYTHM or FORM or ALL or DIAGNOSTIC or "
      "SUPERDIAGNOSTIC or SUBDIAGNOSTIC\n"
      "x.textproto:4:1: the experiment has no field \"modle\"; did you mean model?\n"
      "x.textproto:6:3: training has no field \"learning_rate\"; did you mean training.optimizer.learning_rate?\n"
      "x.textproto:7:3: training.epochs is 0; it must be at least 1 and at most 100000\n"
      "x.textproto:8:15: training.batch_size is \"64\"; write a whole number, at least 2 and at most 65536, or AUTO")
      << "and no choice is missed where a field could not be read";
}

TEST(ParseTest, ReadsTheNameOfZeroWhereAFieldHasOne) {
  const std::string rest = "data { ptb_xl {} } model { resnet {} } training { multi_label {} ";
  const absl::StatusOr<spec::Experiment> spec = ParseExperiment(rest + "batch_size: AUTO }", "x.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_TRUE(spec->training().has_batch_size());
  EXPECT_EQ(spec->training().batch_size(), 0);
  EXPECT_EQ(Error(rest + "epochs: AUTO }"),
            "x.textproto:1:74: training.epochs is AUTO; write a whole number, at least 1 and at most 100000");
}

TEST(ParseTest, ChecksFieldsThatDependOnOneAnother) {
  const auto error = [](absl::string_view data, absl::string_view evaluation) {
    return Error(absl::StrCat("model { resnet {} } training { multi_label {} }\ndata {\n", data, "\n}\nevaluation {\n",
                              evaluation, "\n}"));
  };
  EXPECT_EQ(error("ptb_xl { sampling_frequency_hz: 250 }", ""),
            "x.textproto:3:10: data.ptb_xl.sampling_frequency_hz is 250; it must be 100 or 500");
  EXPECT_EQ(error("ptb_xl {} crop_seconds: 2.501", ""),
            "x.textproto:3:11: data.crop_seconds is 2.501; at 500 Hz it must be a whole number of samples, such as 2.5 "
            "or 2.502");
  EXPECT_EQ(error("ptb_xl {} crop_seconds: 10.5", ""),
            "x.textproto:3:11: data.crop_seconds is 10.5; it must be at most 10, the length of a record");
  EXPECT_EQ(error("ptb_xl {} crop_seconds: 10", ""), "");
  EXPECT_EQ(error("ptb_xl { sampling_frequency_hz: 100 }", "stride_seconds: 1.255"),
            "x.textproto:6:1: evaluation.stride_seconds is 1.255; at 100 Hz it must be a whole number of samples, such "
            "as 1.25 or 1.26");
  EXPECT_EQ(
      error("ptb_xl {}", "stride_seconds: 0.0001"),
      "x.textproto:6:1: evaluation.stride_seconds is 0.0001; at 500 Hz it must be a whole number of samples, such "
      "as 0.002 or 0.004");
  EXPECT_EQ(error("ptb_xl {} crop_seconds: 2", "stride_seconds: 2.5"),
            "x.textproto:6:1: evaluation.stride_seconds is 2.5; it must be at most data.crop_seconds, which is 2, or "
            "samples between two windows are never seen");
  EXPECT_EQ(error("ptb_xl {}", "bootstrap { low_quantile: 0.5 high_quantile: 0.5 }"),
            "x.textproto:6:13: evaluation.bootstrap.low_quantile is 0.5; it must be below high_quantile, which is 0.5");
}

TEST(ParseTest, ChecksPreprocessingAgainstTheRateThatSignalsHaveThen) {
  const auto error = [](absl::string_view preprocessing, absl::string_view crop_seconds = "2.5") {
    return Error(absl::StrCat("model { resnet {} } training { multi_label {} }\ndata {\nptb_xl {} crop_seconds: ",
                              crop_seconds, "\npreprocessing { ", preprocessing, " }\n}"));
  };
  EXPECT_EQ(error("sampling_frequency_hz: 240 band_pass {} notch {}"), "");
  EXPECT_EQ(error("band_pass { low_hz: 40 }"),
            "x.textproto:4:29: data.preprocessing.band_pass.low_hz is 40; it must be less than high_hz, which is 40");
  EXPECT_EQ(error("sampling_frequency_hz: 80 band_pass {}"),
            "x.textproto:4:43: data.preprocessing.band_pass.high_hz is 40; it must be less than 40, half the sampling "
            "frequency");
  EXPECT_EQ(
      error("sampling_frequency_hz: 100 notch {}"),
      "x.textproto:4:44: data.preprocessing.notch.hz is 50; it must be less than 50, half the sampling frequency");
  EXPECT_THAT(
      error("sampling_frequency_hz: 240", "2.502"),
      StartsWith("x.textproto:3:11: data.crop_seconds is 2.502; at 240 Hz it must be a whole number of samples"));
}

TEST(ParseTest, AsksForAHeadThatDemographicsCanBeJoinedBefore) {
  const auto error = [](absl::string_view model) {
    return Error(
        absl::StrCat("data { ptb_xl {} }\nmodel { demographics {} ", model, " }\ntraining { multi_label {} }"));
  };
  EXPECT_EQ(error("resnet {}"), "");
  EXPECT_EQ(error("xresnet {} linear_head {}"), "");
  for (const char* model : {"xresnet {}", "fcn {}", "resnet {} attention_head {}"}) {
    EXPECT_THAT(error(model), testing::HasSubstr("model.demographics is given; it is joined to the features before "
                                                 "model.head or model.linear_head; choose one of them"))
        << model;
  }
}

TEST(ParseTest, ChecksFieldsOfTheTrainingThatDependOnOneAnother) {
  const auto error = [](absl::string_view data, absl::string_view training) {
    return Error(absl::StrCat("data { ptb_xl {", data, "} }\nmodel { resnet {} }\ntraining {\n", training, "\n}"));
  };
  EXPECT_EQ(error("", "multi_label { asymmetric {} } averaged_weights { last_epochs: 5 }"), "");
  EXPECT_EQ(error("", "multi_label { asymmetric { gamma_positive: 5 } }"),
            "x.textproto:4:28: training.multi_label.asymmetric.gamma_positive is 5; it must be at most gamma_negative, "
            "which is 4");
  EXPECT_EQ(
      error("", "multi_label {} epochs: 4 averaged_weights { last_epochs: 5 }"),
      "x.textproto:4:45: training.averaged_weights.last_epochs is 5; it must be at most training.epochs, which is "
      "4");
  EXPECT_EQ(
      error("", "multi_label {} early_stopping {} averaged_weights { last_epochs: 5 }"),
      "x.textproto:4:53: training.averaged_weights.last_epochs is 5; training.early_stopping may stop before the last "
      "epochs; leave it out, or set its patience to at least training.epochs, which is 20");
  EXPECT_EQ(error("", "multi_label {} early_stopping { patience: 20 } averaged_weights { last_epochs: 5 }"), "");
  EXPECT_EQ(
      error("likelihood_targets: true } target_versus_normal { statement: 'AFIB' normal: 'NORM'", "multi_class {}"),
      "x.textproto:1:16: data.ptb_xl.likelihood_targets is true; the classes of data.target_versus_normal have no "
      "likelihoods; leave one of them out");
}

TEST(ParseTest, SaysWhatAnOwnBackboneLacks) {
  const auto error = [](absl::string_view own) {
    return Error(absl::StrCat("data { ptb_xl {} } training { multi_label {} }\nmodel {\n  own {\n", own, "\n}\n}\n"));
  };
  EXPECT_EQ(error("type: \"my::TinyConv\" header: \"my.h\" values { name: \"width\" number: -0.5 }"), "");
  EXPECT_EQ(error(""),
            "x.textproto:3:3: model.own has no type; write the C++ type with its namespace, such as type: "
            "\"my::TinyConv\"\n"
            "x.textproto:3:3: model.own has no header; write which file defines the type, from the root of the "
            "repository, such as header: \"examples/own_backbone/tiny_conv.h\"");
  EXPECT_EQ(error("type: \"T\" header: \"h\"\nvalues { name: \"width\" }\nvalues { number: 1 }\n"
                  "values { name: \"width\" number: 1 }"),
            "x.textproto:5:8: model.own.values[0] has neither a number nor a text; write one, such as number: 32\n"
            "x.textproto:6:8: model.own.values[1] has no name; write what the part calls it, such as name: \"width\"\n"
            "x.textproto:7:8: model.own.values[2] is called width, as one before it is; keep one of the two");
}

TEST(ParseTest, KnowsHowManySplitsADatasetHas) {
  const auto error = [](absl::string_view data) {
    return Error(absl::StrCat("data { ", data, " }\nmodel { resnet {} }\ntraining { multi_label {} }"));
  };
  EXPECT_EQ(error("ptb_xl {} split: 5"), "");
  EXPECT_EQ(error("ptb_xl {} split: 6"), "x.textproto:1:18: data.split is 6; it must be at least 1 and at most 5");
  EXPECT_EQ(error("ptb_xl { cross_validation: 10 } split: 10"), "");
  EXPECT_EQ(error("ptb_xl { cross_validation: 3 } split: 4"),
            "x.textproto:1:39: data.split is 4; it must be at least 1 and at most 3");
  EXPECT_EQ(error("own { type: \"T\" header: \"h\" } split: 600"), "");
  EXPECT_THAT(error("ptb_xl { split: 2 }"),
              StartsWith("x.textproto:1:17: data.ptb_xl has no field \"split\"; did you mean data.split"));
}

TEST(ParseTest, ChecksTargetVersusNormal) {
  const auto error = [](absl::string_view data, absl::string_view objective) {
    return Error(absl::StrCat("data { g12ec {} ", data, " }\nmodel { resnet {} }\ntraining { ", objective, " {} }"));
  };
  EXPECT_EQ(error("target_versus_normal { statement: \"1\" normal: \"2\" }", "multi_class"), "");
  EXPECT_THAT(
      error("target_versus_normal { statement: \"1\" }", "multi_class"),
      StartsWith(
          "x.textproto:1:17: data.target_versus_normal.normal is not given; it must be a statement of the corpus"));
  EXPECT_EQ(error("target_versus_normal { statement: \"1\" normal: \"1\" }", "multi_class"),
            "x.textproto:1:40: data.target_versus_normal.statement is \"1\"; it must differ from normal");
  EXPECT_THAT(error("", "multi_class"),
              StartsWith("x.textproto:3:12: training.multi_class needs one class for each record"));
}

TEST(ParseTest, KnowsTheNamesOfDevices) {
  for (const absl::string_view device : {"cpu", "cuda", "cuda:0", "cuda:12"}) {
    EXPECT_EQ(ErrorWith(absl::StrCat("runtime { device: \"", device, "\" }")), "") << device;
  }
  for (const absl::string_view device : {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:1234"}) {
    EXPECT_EQ(ErrorWith(absl::StrCat("runtime { device: \"", device, "\" }")),
              absl::StrCat("x.textproto:4:11: runtime.device is \"", device,
                           "\"; it must be \"cpu\", \"cuda\" or \"cuda:N\", such as \"cuda:0\""));
  }
}

TEST(ParseTest, PointsAtTheFieldThatIsMissingABrace) {
  EXPECT_EQ(Error("data { ptb_xl {}\nmodel { resnet {} }\n"),
            "x.textproto:2:1: data has no field \"model\"; the experiment has: is a } missing before it?\n"
            "x.textproto:3:1: found the end of the text; write the name of a field or }");
}

}  // namespace
}  // namespace ecg
