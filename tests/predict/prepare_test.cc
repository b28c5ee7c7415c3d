#include "ecg/predict/prepare.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "ecg/run/model_metadata.h"
#include "ecg/score/unlikeness.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/predict/made_signal.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Made returns a recording of slow waves, 10 s at 500 Hz.
Recording Made() {
  const Signal signal = MadeSignal(1, 5000);
  Recording recording;
  Strip& strip = recording.strips.emplace_back();
  strip.sampling_frequency_hz = 500;
  for (int lead = 0; lead < kLeads; ++lead) {
    Channel& channel = strip.channels.emplace_back();
    channel.name = std::string(kLeadNames[lead]);
    for (const int16_t sample : signal.lead(lead)) channel.mv.push_back(static_cast<float>(sample / 1000.0));
  }
  return recording;
}

ModelMetadata Model() {
  ModelMetadata model;
  model.classes = {"AFIB", "NORM"};
  model.sampling_frequency_hz = 100;
  model.training_ages = {{18, 89}};
  return model;
}

std::vector<std::string> Warnings(const Recording& recording, const ModelMetadata& model = Model()) {
  const auto prepared = PrepareRecording(recording, model);
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  EXPECT_EQ(prepared->signal.sampling_frequency_hz, 100);
  return prepared->warnings;
}

TEST(PrepareTest, WarnsOfAnAgeThatTheTrainingRecordsDoNotCover) {
  Recording recording = Made();
  EXPECT_THAT(Warnings(recording), Not(Contains(HasSubstr("years")))) << "the age is not stated";
  recording.age_years = 18;
  EXPECT_THAT(Warnings(recording), Not(Contains(HasSubstr("years"))));
  recording.age_years = 4.5;
  EXPECT_THAT(Warnings(recording),
              Contains("the patient is 4.5 years old, but the model was trained on ages from 18 to 89"));
  recording.age_years = 101;
  EXPECT_THAT(Warnings(recording), Contains(HasSubstr("101 years")));
  ModelMetadata model = Model();
  model.training_ages->second = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Warnings(recording, model), Not(Contains(HasSubstr("years"))));
  recording.age_years = 1;
  EXPECT_THAT(Warnings(recording, model),
              Contains("the patient is 1 years old, but the model was trained on ages from 18 on"));
  model.training_ages.reset();
  EXPECT_THAT(Warnings(recording, model), Not(Contains(HasSubstr("years"))));
}

TEST(PrepareTest, WarnsOfAPacemakerThatTheModelHasNoClassFor) {
  Recording recording = Made();
  EXPECT_THAT(Warnings(recording), Not(Contains(HasSubstr("pacemaker"))));
  for (Channel& channel : recording.strips[0].channels) {
    for (int beat = 0; beat < 10; ++beat) channel.mv[200 + 450 * beat] += 3;
  }
  EXPECT_THAT(Warnings(recording), Contains("there are 10 spikes as of a pacemaker, for which the model has no class"));
  ModelMetadata model = Model();
  model.classes.emplace_back("PACE");
  EXPECT_THAT(Warnings(recording, model), Not(Contains(HasSubstr("pacemaker"))));
}

TEST(PrepareTest, WarnsOfNoise) {
  Recording recording = Made();
  for (Channel& channel : recording.strips[0].channels) {
    for (size_t i = 0; i < channel.mv.size(); ++i) channel.mv[i] += static_cast<float>(0.2 * std::sin(2.1 * i * i));
  }
  ModelMetadata model = Model();
  EXPECT_THAT(Warnings(recording, model), Contains(HasSubstr("noisy, up to")));
}

TEST(PrepareTest, RefusesWhatItWouldWarnOfWhereTheModelSaysSo) {
  const auto error = [](const Recording& recording, const std::vector<std::string>& refuses) {
    ModelMetadata model = Model();
    model.refuses = refuses;
    return std::string(PrepareRecording(recording, model).status().message());
  };
  Recording child = Made();
  child.age_years = 4;
  EXPECT_THAT(error(child, {"OTHER_PATIENT"}),
              AllOf(HasSubstr("4 years old"), HasSubstr("prediction.refuse in its spec")));
  EXPECT_EQ(error(child, {"UNLIKE_TRAINING"}), "");
  child.age_years = 40;
  EXPECT_EQ(error(child, {"OTHER_PATIENT"}), "");
  Recording flat = Made();
  for (float& mv : flat.strips[0].channels[6].mv) mv = 0;
  EXPECT_THAT(Warnings(flat), Contains(HasSubstr("V1")));
  EXPECT_THAT(error(flat, {"POOR_SIGNAL", "OTHER_PATIENT"}), HasSubstr("V1"));
}

TEST(PrepareTest, RefusesAnUnlikeRecordingWhereTheModelSaysSo) {
  const Unlikeness far = {.distance = 9, .reference_share = 1, .references = 100};
  const Unlikeness near = {.distance = 1, .reference_share = 0.5, .references = 100};
  ModelMetadata model = Model();
  EXPECT_TRUE(RefuseUnlike(far, model).ok()) << "a warning is enough";
  model.refuses = {"UNLIKE_TRAINING"};
  EXPECT_THAT(std::string(RefuseUnlike(far, model).message()), HasSubstr("more unlike the training records"));
  EXPECT_TRUE(RefuseUnlike(near, model).ok());
  EXPECT_TRUE(RefuseUnlike(std::nullopt, model).ok()) << "the run does not know its features";
}

}  // namespace
}  // namespace ecg
