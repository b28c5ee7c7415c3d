#include "ecg/spec/sampling.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(SamplingTest, TurnsSecondsIntoSamples) {
  spec::Experiment spec;
  EXPECT_EQ(CropSamples(spec.data(), 500), 1250);
  EXPECT_EQ(StrideSamples(spec, 500), 625);
  spec.mutable_data()->set_crop_seconds(2.3);
  EXPECT_EQ(CropSamples(spec.data(), 100), 230) << "though 2.3 * 100 is a little less than 230";
  EXPECT_EQ(StrideSamples(spec, 100), 125);
}

TEST(SamplingTest, KnowsWhatASpecSaysOfRateAndLength) {
  spec::Data data;
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 0) << "without a dataset";
  data.mutable_ptb_xl();
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 500);
  EXPECT_EQ(StatedRecordSeconds(data), 10);
  data.mutable_g12ec();
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 500);
  EXPECT_EQ(StatedRecordSeconds(data), 10);
  data.mutable_cpsc2018();
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 500);
  EXPECT_EQ(StatedRecordSeconds(data), 0) << "records differ in length";
  data.mutable_cinc_challenge()->set_sampling_frequency_hz(257);
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 257);
  EXPECT_EQ(StatedRecordSeconds(data), 0);
  data.mutable_cinc_challenge()->set_record_seconds(30);
  EXPECT_EQ(StatedRecordSeconds(data), 30);
  data.mutable_own();
  EXPECT_EQ(StatedSamplingFrequencyHz(data), 0) << "the records of an own dataset tell";
}

TEST(SamplingTest, RefusesPartsOfASample) {
  spec::Experiment spec;
  EXPECT_TRUE(CheckSampling(spec, 500).ok());
  EXPECT_THAT(std::string(CheckSampling(spec, 257).message()),
              testing::HasSubstr("data.crop_seconds is 2.5; at 257 Hz it must be a whole number of samples"));
}

}  // namespace
}  // namespace ecg
