#include "ecg/corpus/scaler.h"

#include <cmath>
#include <string>
#include <vector>

#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/corpus/small_ptbxl.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

TEST(ScalerTest, IsTheMeanAndPopulationDeviationOfAllSamplesInMv) {
  SmallPtbXl files("scaler_test");
  for (int record = 0; record < 4; ++record) files.AddRecord("{'NORM': 100.0}", "1");
  const PackedSignals signals = Pack(files.Open().value(), files.work_dir() / "packed").value();
  const std::vector<int> records = {3, 0, 2};

  long double sum = 0;
  long double sum_of_squares = 0;
  long double count = 0;
  for (const int record : records) {
    const Signal signal = SmallPtbXl::MakeSignal(record);
    for (int lead = 0; lead < kLeads; ++lead) {
      for (const int16_t sample : signal.lead(lead)) {
        const long double mv = (static_cast<long double>(sample) - record) / (1000 + lead);
        sum += mv;
        sum_of_squares += mv * mv;
        ++count;
      }
    }
  }
  const double mean = static_cast<double>(sum / count);
  const double deviation = static_cast<double>(std::sqrt(sum_of_squares / count - sum / count * (sum / count)));
  const Scaler scaler = FitScaler(signals, records).value();
  EXPECT_NEAR(scaler.mean_mv, mean, 1e-14 * deviation);
  EXPECT_NEAR(scaler.standard_deviation_mv, deviation, 1e-14 * deviation);
  // The samples are there again after their memory was given back.
  EXPECT_THAT(signals.signal(2), testing::ElementsAreArray(SmallPtbXl::MakeSignal(2).digital));
}

TEST(ScalerTest, RefusesNoRecordsAndAConstantSignal) {
  SmallPtbXl files("scaler_constant_test");
  files.AddRecord("{'NORM': 100.0}", "1");
  Signal signal = SmallPtbXl::MakeSignal(0);
  signal.digital.assign(signal.digital.size(), 0);
  const WfdbFiles flat = FormatWfdb(signal, "00001_lr").value();
  files.Write("records100/00001_lr.hea", flat.header);
  files.Write("records100/00001_lr.dat", flat.samples);
  const PackedSignals signals = Pack(files.Open().value(), files.work_dir() / "packed").value();
  EXPECT_THAT(std::string(FitScaler(signals, {}).status().message()), HasSubstr("no training records"));
  EXPECT_THAT(std::string(FitScaler(signals, std::vector<int>{0}).status().message()), HasSubstr("are 0 mV"));
}

}  // namespace
}  // namespace ecg
