#include "ecg/spec/sampling.h"

#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(SamplingTest, TurnsSecondsIntoSamplesOfTheChosenDataset) {
  spec::Experiment spec;
  spec.mutable_data()->mutable_ptb_xl();
  EXPECT_EQ(SamplingFrequencyHz(spec.data()), 500);
  EXPECT_EQ(CropSamples(spec.data()), 1250);
  EXPECT_EQ(StrideSamples(spec), 625);

  spec.mutable_data()->mutable_ptb_xl()->set_sampling_frequency_hz(100);
  spec.mutable_data()->set_crop_seconds(2.3);
  EXPECT_EQ(CropSamples(spec.data()), 230) << "though 2.3 * 100 is a little less than 230";
  EXPECT_EQ(StrideSamples(spec), 125);
}

TEST(SamplingTest, KnowsTheRateAndLengthOfEachDataset) {
  spec::Data data;
  data.mutable_g12ec();
  EXPECT_EQ(SamplingFrequencyHz(data), 500);
  EXPECT_EQ(RecordSeconds(data), 10);
  data.mutable_cpsc2018();
  EXPECT_EQ(SamplingFrequencyHz(data), 500);
  EXPECT_EQ(RecordSeconds(data), 0) << "records differ in length";
  data.mutable_cinc_challenge()->set_sampling_frequency_hz(257);
  EXPECT_EQ(SamplingFrequencyHz(data), 257);
  EXPECT_EQ(RecordSeconds(data), 0);
  data.mutable_cinc_challenge()->set_record_seconds(30);
  EXPECT_EQ(RecordSeconds(data), 30);
}

TEST(SamplingTest, KnowsNoFrequencyWithoutADataset) { EXPECT_EQ(SamplingFrequencyHz(spec::Data()), 0); }

}  // namespace
}  // namespace ecg
