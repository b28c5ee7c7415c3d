#include "ecg/corpus/preprocessor.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/corpus/small_ptbxl.h"

namespace ecg {
namespace {

using testing::HasSubstr;

// Sines returns ten seconds of one mV of each of `frequencies_hz`, on top of `level_mv`. Lead k is k + 1 times as
// large.
Signal Sines(int rate_hz, const std::vector<double>& frequencies_hz, double level_mv = 0) {
  return DigitiseLeads(rate_hz, 10 * rate_hz,
                       [&](int lead, std::span<double> mv) {
                         for (size_t i = 0; i < mv.size(); ++i) {
                           mv[i] = level_mv;
                           for (const double hz : frequencies_hz) {
                             mv[i] +=
                                 (lead + 1) * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate_hz);
                           }
                         }
                         return absl::OkStatus();
                       })
      .value();
}

// AmplitudeAt returns the amplitude of `hz` in the middle of lead `lead`, in mV.
double AmplitudeAt(double hz, const Signal& signal, int lead = 0) {
  const int rate_hz = signal.sampling_frequency_hz;
  double sine = 0, cosine = 0;
  for (int i = 2 * rate_hz; i < 8 * rate_hz; ++i) {
    const double angle = 2 * std::numbers::pi * hz * i / rate_hz;
    const double mv = signal.calibration[lead].ToMv(signal.lead(lead)[i]);
    sine += mv * std::sin(angle) / (3.0 * rate_hz);
    cosine += mv * std::cos(angle) / (3.0 * rate_hz);
  }
  return std::hypot(sine, cosine);
}

struct Moments {
  double mean = 0, deviation = 0;
};
Moments MomentsOf(const Signal& signal, int first_lead, int leads) {
  std::vector<double> mv;
  for (int lead = first_lead; lead < first_lead + leads; ++lead) {
    for (const int16_t digital : signal.lead(lead)) mv.push_back(signal.calibration[lead].ToMv(digital));
  }
  Moments moments;
  for (const double x : mv) moments.mean += x / static_cast<double>(mv.size());
  for (const double x : mv)
    moments.deviation += (x - moments.mean) * (x - moments.mean) / static_cast<double>(mv.size());
  moments.deviation = std::sqrt(moments.deviation);
  return moments;
}

Signal Apply(const spec::Preprocessing& spec, const Signal& signal) {
  return Preprocessor::Make(spec, signal.sampling_frequency_hz)->Apply(signal).value();
}

TEST(PreprocessorTest, ChangesNothingWhereNothingIsAskedFor) {
  const Signal signal = Sines(500, {10});
  const absl::StatusOr<Preprocessor> preprocessor = Preprocessor::Make({}, 500);
  EXPECT_FALSE(preprocessor->ChangesAmplitudes());
  EXPECT_EQ(preprocessor->Apply(signal)->digital, signal.digital);
  EXPECT_EQ(PreprocessingInWords({}), "");
}

TEST(PreprocessorTest, KeepsTheBandAndRemovesTheHum) {
  const Signal signal = Sines(500, {0.1, 10, 50, 100});
  spec::Preprocessing band;
  band.mutable_band_pass();
  const Signal passed = Apply(band, signal);
  EXPECT_NEAR(AmplitudeAt(10, passed), 1, 0.01);
  EXPECT_LT(AmplitudeAt(0.1, passed), 0.02);
  EXPECT_LT(AmplitudeAt(100, passed), 0.01);
  spec::Preprocessing notch;
  notch.mutable_notch();
  const Signal quiet = Apply(notch, signal);
  EXPECT_LT(AmplitudeAt(50, quiet), 0.01);
  EXPECT_NEAR(AmplitudeAt(10, quiet), 1, 0.02);  // some of the 0.1 Hz counts as 10 Hz
  EXPECT_NEAR(AmplitudeAt(100, quiet, /*lead=*/2), 3, 0.03);
}

TEST(PreprocessorTest, ResamplesToAnyRateBeforeItFilters) {
  spec::Preprocessing spec;
  spec.set_sampling_frequency_hz(240);
  spec.mutable_band_pass()->set_high_hz(110);
  const Signal resampled = Apply(spec, Sines(500, {10, 180}));
  EXPECT_EQ(resampled.sampling_frequency_hz, 240);
  EXPECT_EQ(resampled.samples, 2400);
  EXPECT_NEAR(AmplitudeAt(10, resampled), 1, 0.01);
  EXPECT_LT(AmplitudeAt(60, resampled), 0.001) << "180 Hz would become 60 Hz without an anti-aliasing filter";
}

TEST(PreprocessorTest, StandardisesByRecordOrByLead) {
  const Signal signal = Sines(100, {10}, /*level_mv=*/2);
  spec::Preprocessing spec;
  spec.set_amplitudes(spec::Preprocessing::STANDARDISED_BY_RECORD);
  const Signal record = Apply(spec, signal);
  EXPECT_NEAR(MomentsOf(record, 0, kLeads).mean, 0, 1e-3);
  EXPECT_NEAR(MomentsOf(record, 0, kLeads).deviation, 1, 1e-3);
  EXPECT_NEAR(AmplitudeAt(10, record, 11) / AmplitudeAt(10, record, 0), 12, 0.01) << "leads keep their proportions";
  spec.set_amplitudes(spec::Preprocessing::STANDARDISED_BY_LEAD);
  const Signal lead = Apply(spec, signal);
  for (int k = 0; k < kLeads; ++k) {
    EXPECT_NEAR(MomentsOf(lead, k, 1).mean, 0, 1e-3);
    EXPECT_NEAR(MomentsOf(lead, k, 1).deviation, 1, 1e-3);
  }
}

TEST(PreprocessorTest, LeavesAFlatLeadFlat) {
  spec::Preprocessing spec;
  spec.set_amplitudes(spec::Preprocessing::STANDARDISED_BY_LEAD);
  const Signal flat = Apply(spec, Sines(100, {}, /*level_mv=*/0.7));
  EXPECT_NEAR(MomentsOf(flat, 0, kLeads).mean, 0, 1e-9);
  EXPECT_NEAR(MomentsOf(flat, 0, kLeads).deviation, 0, 1e-9);
}

TEST(PreprocessorTest, SaysWhatItDoes) {
  spec::Preprocessing spec;
  spec.set_sampling_frequency_hz(240);
  spec.mutable_band_pass();
  spec.mutable_notch()->set_hz(60);
  spec.set_amplitudes(spec::Preprocessing::STANDARDISED_BY_LEAD);
  EXPECT_EQ(
      PreprocessingInWords(spec),
      "resampled to 240 Hz; Butterworth band-pass of order 3 from 0.5 to 40 Hz, forward and backward; notch at 60 "
      "Hz of quality 30, forward and backward; each lead standardised");
}

TEST(PreprocessorTest, RefusesABandBeyondHalfTheRate) {
  spec::Preprocessing spec;
  spec.set_sampling_frequency_hz(60);
  spec.mutable_band_pass();
  EXPECT_THAT(std::string(Preprocessor::Make(spec, 500).status().message()), HasSubstr("half the sampling frequency"));
}

TEST(PreprocessedTest, IsADatasetOfTheRateAndLengthAfterwards) {
  SmallPtbXl folder("preprocessed");
  for (const char* fold : {"1", "9", "10"}) folder.AddRecord("{'NORM': 100.0}", fold);
  spec::Data data;
  data.mutable_ptb_xl()->set_sampling_frequency_hz(100);
  data.mutable_preprocessing()->set_sampling_frequency_hz(240);
  const auto dataset = OpenDataset<PtbXl>(data, folder.data_dir());
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  EXPECT_EQ((*dataset)->corpus().sampling_frequency_hz, 240);
  EXPECT_EQ((*dataset)->corpus().samples, 2400);
  EXPECT_EQ((*dataset)->ReadSignal(0)->samples, 2400);
  EXPECT_THAT((*dataset)->corpus().notes, testing::Contains("signals are preprocessed: resampled to 240 Hz"));
}

TEST(PreprocessedTest, IsPackedBesideTheSignalsAsTheyAre) {
  SmallPtbXl folder("packed_preprocessed");
  for (const char* fold : {"1", "9", "10"}) folder.AddRecord("{'NORM': 100.0}", fold);
  const std::filesystem::path cache = folder.work_dir() / "cache";
  const AnyCorpusOptions as_is = {.sampling_frequency_hz = 100, .cache_dir = cache};
  AnyCorpusOptions filtered = as_is;
  filtered.preprocessing.emplace().mutable_band_pass();
  const absl::StatusOr<AnyCorpus> raw = OpenAnyCorpus(folder.data_dir(), as_is);
  const absl::StatusOr<AnyCorpus> band = OpenAnyCorpus(folder.data_dir(), filtered);
  ASSERT_EQ(raw.status(), absl::OkStatus());
  ASSERT_EQ(band.status(), absl::OkStatus());
  EXPECT_NE(PackedFolder(raw->corpus, cache), PackedFolder(band->corpus, cache));
  EXPECT_FALSE(std::ranges::equal(raw->signals.signal(0), band->signals.signal(0)));
}

}  // namespace
}  // namespace ecg
