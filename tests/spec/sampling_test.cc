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

TEST(SamplingTest, KnowsNoFrequencyWithoutADataset) { EXPECT_EQ(SamplingFrequencyHz(spec::Data()), 0); }

}  // namespace
}  // namespace ecg
