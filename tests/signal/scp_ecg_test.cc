#include "ecg/signal/scp_ecg.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/crc_ccitt.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Number>
std::string Raw(Number number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof(Number));
}

std::string WithCrc(std::string bytes) {
  bytes.replace(0, 2, Raw<uint16_t>(CrcCcitt(absl::string_view(bytes).substr(2))));
  return bytes;
}

// File returns a file with the given contents of sections.
std::string File(const std::map<int, std::string>& contents) {
  const auto section = [](int number, const std::string& content) {
    return WithCrc(Raw<uint16_t>(0) + Raw<uint16_t>(number) + Raw<uint32_t>(16 + content.size()) + "\x14\x14" +
                   (number == 0 ? std::string("SCPECG") : std::string(6, '\0')) + content);
  };
  std::string pointers, rest;
  const size_t first = 6 + 16 + 12 * 10;
  for (int number = 0; number < 12; ++number) {
    const auto found = contents.find(number);
    const bool is_used = found != contents.end();
    const size_t size = number == 0 ? 16 + 120 : is_used ? 16 + found->second.size() : 0;
    const size_t index = number == 0 ? 7 : is_used ? first + rest.size() + 1 : 0;
    pointers += Raw<uint16_t>(number) + Raw<uint32_t>(size) + Raw<uint32_t>(index);
    if (is_used) rest += section(number, found->second);
  }
  const std::string all = section(0, pointers) + rest;
  return WithCrc(Raw<uint16_t>(0) + Raw<uint32_t>(6 + all.size()) + all);
}

std::string LeadSection(const std::vector<int>& codes, uint32_t first, uint32_t last, bool subtracts = false) {
  std::string section = Raw<uint8_t>(codes.size()) + Raw<uint8_t>(subtracts ? 1 : 0);
  for (const int code : codes) section += Raw(first) + Raw(last) + Raw<uint8_t>(code);
  return section;
}

std::string WaveformSection(uint16_t nv, uint16_t us, int differences, bool bimodal,
                            const std::vector<std::string>& leads) {
  std::string section = Raw(nv) + Raw(us) + Raw<uint8_t>(differences) + Raw<uint8_t>(bimodal);
  for (const std::string& lead : leads) section += Raw<uint16_t>(lead.size());
  for (const std::string& lead : leads) section += lead;
  return section;
}

std::string Numbers(const std::vector<int16_t>& numbers) {
  std::string bytes;
  for (const int16_t number : numbers) bytes += Raw(number);
  return bytes;
}

// Bits returns bytes of a text of 0 and 1, filled up with 0.
std::string Bits(const std::string& text) {
  std::string bytes((text.size() + 7) / 8, '\0');
  for (size_t i = 0; i < text.size(); ++i) bytes[i / 8] |= static_cast<char>((text[i] - '0') << (7 - i % 8));
  return bytes;
}

absl::StatusOr<Recording> Read(const std::string& bytes) { return ScpEcg::Read({.path = "", .bytes = bytes}); }

TEST(ScpEcgTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<ScpEcg>("scp") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(ScpEcgTest, ReadsTheRealFilesWithoutANoteOnDamage) {
  for (const SharedRecording& file : SharedRecordings("scp")) {
    const absl::StatusOr<Recording> recording = ScpEcg::Read(file.file());
    ASSERT_TRUE(recording.ok());
    for (const std::string& note : recording->notes) {
      EXPECT_THAT(note, testing::Not(HasSubstr("checksum"))) << file.path;
    }
  }
}

// The files that are compressed with loss were made of ecgtoolkit_example.scp.
TEST(ScpEcgTest, LosesLittleInBimodalCompression) {
  const std::vector<SharedRecording> files = SharedRecordings("scp");
  if (files.empty()) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  std::map<std::string, Recording> recordings;
  for (const SharedRecording& file : files) recordings[file.path.stem().string()] = ScpEcg::Read(file.file()).value();
  const Strip original = Joined(recordings["ecgtoolkit_example"], Strip::Kind::kRhythm)[0];
  for (const SharedRecording& file : files) {
    if (!file.expected.contains("lossy")) continue;
    const Recording& recording = recordings[file.path.stem().string()];
    EXPECT_THAT(recording.notes, Contains(HasSubstr("averages of")));
    const Strip strip = Joined(recording, Strip::Kind::kRhythm)[0];
    EXPECT_EQ(strip.sampling_frequency_hz, 500);
    ASSERT_EQ(strip.samples(), original.samples());
    const std::vector<double> others = file.expected["lossy"]["ecgtoolkit_rms_error_mV"];
    for (size_t lead = 0; lead < 12; ++lead) {
      double squares = 0;
      for (size_t i = 0; i < strip.samples(); ++i) {
        squares += std::pow(strip.channels[lead].mv[i] - original.channels[lead].mv[i], 2);
      }
      EXPECT_LT(std::sqrt(squares / strip.samples()), 1.05 * others[lead]) << file.path << " lead " << lead;
    }
  }
}

TEST(ScpEcgTest, ReadsNumbersThatAreNotCompressed) {
  const std::string bytes =
      File({{3, LeadSection({1, 61}, 1, 3)},
            {6, WaveformSection(5000, 2000, 0, false, {Numbers({1, -2, 3}), Numbers({4, 5, 6})})}});
  EXPECT_TRUE(ScpEcg::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->format, "SCP-ECG 2.0");
  EXPECT_THAT(recording->notes, IsEmpty());
  ASSERT_EQ(recording->strips.size(), 1u);
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 500);
  EXPECT_EQ(strip.channels[0].name, "I");
  EXPECT_EQ(strip.channels[1].name, "III");
  EXPECT_EQ(strip.channels[0].step_mv, 0.005);
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(0.005f, -0.01f, 0.015f));
}

TEST(ScpEcgTest, ReadsWhoWasRecordedWhenAndWithWhat) {
  const auto tag = [](int number, const std::string& value) {
    return Raw<uint8_t>(number) + Raw<uint16_t>(value.size()) + value;
  };
  std::string machine(36, '\0');
  machine.replace(8, 5, "ELI25");
  machine += std::string("1.0\0 7\0 a\0 b\0Mortara\0", 20);
  const std::string patient = tag(4, std::string("\x41\0\1", 3)) + tag(8, "\2") + tag(14, machine) +
                              tag(25, Raw<uint16_t>(2008) + "\x07\x0A") + tag(26, "\x10\x36\x39") +
                              tag(27, Raw<uint16_t>(5)) + tag(28, Raw<uint16_t>(150)) + tag(29, "\2") + tag(255, "");
  const absl::StatusOr<Recording> recording = Read(
      File({{1, patient}, {3, LeadSection({1}, 1, 1)}, {6, WaveformSection(5000, 2000, 0, false, {Numbers({1})})}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->age_years, 65);
  EXPECT_EQ(recording->sex, "female");
  EXPECT_EQ(recording->machine, "Mortara ELI25");
  EXPECT_EQ(recording->recorded_at, "2008-07-10T16:54:57");
  EXPECT_EQ(recording->filters, "high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz");
}

TEST(ScpEcgTest, DecodesTheDefaultTableToTheLastSample) {
  // 0, 1, -8, 100 in 8 bits, -1000 in 16 bits; and it fills the last byte with zeros, which are no samples.
  const std::string bits = std::string("0") + "100" + "1111111101" + "1111111110" + "01100100" + "1111111111" +
                           "1111110000011000" + "100" + "100" + "101";
  const absl::StatusOr<Recording> recording = Read(File({{2, Raw<uint16_t>(19999)},
                                                         {3, LeadSection({2}, 1, 8)},
                                                         {6, WaveformSection(1000, 1000, 0, false, {Bits(bits)})}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_THAT(recording->strips[0].channels[0].mv,
              ElementsAre(0, 0.001f, -0.008f, 0.1f, -1.0f, 0.001f, 0.001f, -0.001f));
}

TEST(ScpEcgTest, UndoesFirstAndSecondDifferences) {
  for (const int order : {1, 2}) {
    const std::vector<int16_t> samples = {10, 12, 20, 7, -3000};
    std::vector<int16_t> stored = samples;
    for (size_t i = order; i < samples.size(); ++i) {
      stored[i] = order == 1 ? samples[i] - samples[i - 1] : samples[i] - 2 * samples[i - 1] + samples[i - 2];
    }
    const absl::StatusOr<Recording> recording =
        Read(File({{3, LeadSection({2}, 1, 5)}, {6, WaveformSection(1000, 1000, order, false, {Numbers(stored)})}}));
    ASSERT_TRUE(recording.ok()) << recording.status();
    EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(0.01f, 0.012f, 0.02f, 0.007f, -3.0f));
  }
}

TEST(ScpEcgTest, DecodesTablesOfTheFileAndSwitchesBetweenThem) {
  // A code is stored with its first bit as the least significant one. Table 1: 0 is 5, 10 and 4 bits are 100 and those,
  // 11 switches to table 2: 0 is -7, 1 switches back.
  const auto code = [](int prefix, int all, int mode, int16_t base, uint32_t bits) {
    return Raw<uint8_t>(prefix) + Raw<uint8_t>(all) + Raw<uint8_t>(mode) + Raw(base) + Raw(bits);
  };
  const std::string tables = Raw<uint16_t>(2) + Raw<uint16_t>(3) + code(1, 1, 1, 5, 0) + code(2, 6, 1, 100, 1) +
                             code(2, 2, 0, 2, 3) + Raw<uint16_t>(2) + code(1, 1, 1, -7, 0) + code(1, 1, 0, 1, 1);
  const std::string bits = std::string("0") + "100111" + "101111" + "11" + "0" + "0" + "1" + "0";
  const auto file = [&](const std::string& section_2) {
    return File(
        {{2, section_2}, {3, LeadSection({2}, 1, 6)}, {6, WaveformSection(1000, 1000, 0, false, {Bits(bits)})}});
  };
  const absl::StatusOr<Recording> recording = Read(file(tables));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(0.005f, 0.107f, 0.099f, -0.007f, -0.007f, 0.005f));
  const absl::StatusOr<Recording> without = Read(file(Raw<uint16_t>(1) + Raw<uint16_t>(1) + code(1, 1, 1, 5, 0)));
  EXPECT_THAT(without.status().message(), HasSubstr("no Huffman code at bit 1, sample 2"));
}

TEST(ScpEcgTest, AddsTheReferenceBeatInTheStepsOfTheRhythm) {
  // The beat 1, 2, 3 in steps of 2 uV, with its fiducial point at 2, was subtracted around sample 4; around 7 it was
  // not.
  const auto beat = [](uint16_t type, uint32_t fiducial) {
    return Raw(type) + Raw(fiducial - 1) + Raw(fiducial) + Raw(fiducial + 1);
  };
  const std::string beats = Raw<uint16_t>(3) + Raw<uint16_t>(2) + Raw<uint16_t>(2) + beat(0, 4) + beat(1, 7);
  const std::string rhythm = WaveformSection(1000, 1000, 0, false, {Numbers({10, 10, 10, 10, 10, 10, 10, 10})});
  const absl::StatusOr<Recording> recording =
      Read(File({{3, LeadSection({2}, 1, 8, true)},
                 {4, beats},
                 {5, WaveformSection(2000, 1000, 0, false, {Numbers({1, 2, 3})})},
                 {6, rhythm}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 2u);
  EXPECT_THAT(recording->strips[0].channels[0].mv,
              ElementsAre(0.01f, 0.01f, 0.012f, 0.014f, 0.016f, 0.01f, 0.01f, 0.01f));
  EXPECT_EQ(recording->strips[1].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_THAT(recording->strips[1].channels[0].mv, ElementsAre(0.002f, 0.004f, 0.006f));
  EXPECT_THAT(Read(File({{3, LeadSection({2}, 1, 8, true)}, {6, rhythm}})).status().message(),
              HasSubstr("no section 4 or 5"));
}

TEST(ScpEcgTest, InterpolatesBetweenTheAveragesOutsideAProtectedZone) {
  // A ramp 0, 2, 4, ... of 16 samples, of which 9 to 12 are protected: 3, 11, then 16, 18, 20, 22, then 27.
  const std::string beats = Raw<uint16_t>(0) + Raw<uint16_t>(1) + Raw<uint16_t>(1) + Raw<uint16_t>(1) +
                            Raw<uint32_t>(9) + Raw<uint32_t>(10) + Raw<uint32_t>(12) + Raw<uint32_t>(9) +
                            Raw<uint32_t>(12);
  const absl::StatusOr<Recording> recording =
      Read(File({{3, LeadSection({2}, 1, 16)},
                 {4, beats},
                 {6, WaveformSection(1000, 8000, 0, true, {Numbers({3, 11, 16, 18, 20, 22, 27})})}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 500);
  ASSERT_EQ(strip.samples(), 16u);
  for (int i = 2; i < 14; ++i) EXPECT_FLOAT_EQ(strip.channels[0].mv[i], 0.002f * i) << i;
}

TEST(ScpEcgTest, TakesTheSmallerOfTheStatedAndTheStoredLength) {
  const absl::StatusOr<Recording> recording =
      Read(File({{3, LeadSection({1, 2}, 0, 4)},
                 {6, WaveformSection(1000, 1000, 0, false, {Numbers({1, 2, 3, 4}), Numbers({1, 2})})}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->strips[0].samples(), 4u);
  EXPECT_TRUE(std::isnan(recording->strips[0].channels[1].mv[2]));
  EXPECT_THAT(recording->notes, ElementsAre("the file holds 2 of the 5 samples stated of II",
                                            "the file holds 4 of the 5 samples stated of I"));
}

TEST(ScpEcgTest, ReadsLeadsWithoutTheirSizes) {
  std::string section = WaveformSection(1000, 1000, 0, false, {});
  section += Numbers({1000, 2000, 3000, 4000});
  const absl::StatusOr<Recording> recording = Read(File({{3, LeadSection({1, 2}, 1, 2)}, {6, section}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_THAT(recording->strips[0].channels[1].mv, ElementsAre(3.0f, 4.0f));
}

TEST(ScpEcgTest, MakesAStripForLeadsThatStartLater) {
  std::string leads = LeadSection({1, 2}, 1, 4);
  leads.replace(2 + 9, 8, Raw<uint32_t>(5) + Raw<uint32_t>(8));
  const std::string lead = Numbers({1, 2, 3, 4});
  const absl::StatusOr<Recording> recording =
      Read(File({{3, leads}, {6, WaveformSection(1000, 1000, 0, false, {lead, lead})}}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 2u);
  EXPECT_EQ(recording->strips[1].start_seconds, 0.004);
}

TEST(ScpEcgTest, NotesAWrongChecksumAndOneThatIsNotStated) {
  std::string bytes = File({{3, LeadSection({1}, 1, 1)}, {6, WaveformSection(1000, 1000, 0, false, {Numbers({1})})}});
  bytes.back() = 1;
  EXPECT_THAT(Read(bytes)->notes,
              ElementsAre(HasSubstr("the file states the checksum"), HasSubstr("section 6 states the checksum")));
  bytes.replace(0, 2, 2, '\0');
  EXPECT_THAT(Read(bytes)->notes, Contains("the file states no checksum"));
}

TEST(ScpEcgTest, SaysWhatIsWrong) {
  EXPECT_THAT(Read("SCP").status().message(), HasSubstr("not an SCP-ECG file"));
  EXPECT_THAT(Read(File({})).status().message(), HasSubstr("section 3 lists 0 leads in 0 bytes"));
  EXPECT_THAT(Read(File({{3, LeadSection({1}, 1, 1)}})).status().message(), HasSubstr("no rhythm"));
  const auto with = [](const std::string& section) { return Read(File({{3, LeadSection({1}, 1, 1)}, {6, section}})); };
  EXPECT_THAT(with(WaveformSection(0, 1000, 0, false, {Numbers({1})})).status().message(), HasSubstr("0 nV"));
  EXPECT_THAT(with(WaveformSection(1, 0, 0, false, {Numbers({1})})).status().message(), HasSubstr("0 us"));
  EXPECT_THAT(with(WaveformSection(1, 1, 3, false, {Numbers({1})})).status().message(), HasSubstr("order 3"));
  EXPECT_THAT(with(WaveformSection(1, 1000, 0, true, {Numbers({1})})).status().message(),
              HasSubstr("no protected zones"));
}

TEST(ScpEcgTest, SurvivesDamage) {
  const std::string beats = Raw<uint16_t>(3) + Raw<uint16_t>(2) + Raw<uint16_t>(1) + Raw<uint16_t>(0) +
                            Raw<uint32_t>(9) + Raw<uint32_t>(10) + Raw<uint32_t>(12) + Raw<uint32_t>(9) +
                            Raw<uint32_t>(12);
  std::vector<std::string> leads;
  for (int i = 0; i < 3; ++i) leads.push_back(Bits("100100101001111111110011001001000100100101000000"));
  const std::string bytes = File({{1, std::string("\x04\x03\0\x41\0\1\xFF\0\0", 9)},
                                  {2, Raw<uint16_t>(19999)},
                                  {3, LeadSection({1, 2, 3}, 1, 40, true)},
                                  {4, beats},
                                  {5, WaveformSection(2500, 2000, 1, false, leads)},
                                  {6, WaveformSection(2500, 8000, 2, true, leads)}});
  ExpectSurvivesDamage<ScpEcg>(bytes, bytes.size(), 8000, bytes.size());
  const std::string raw =
      File({{3, LeadSection({1, 2}, 1, 20)},
            {6, WaveformSection(2500, 8000, 2, false, {std::string(40, '1'), std::string(40, '2')})}});
  ExpectSurvivesDamage<ScpEcg>(raw, raw.size(), 8000, raw.size());
}

TEST(ScpEcgTest, SurvivesDamageOfRealFiles) {
  for (const SharedRecording& file : SharedRecordings("scp")) {
    SCOPED_TRACE(file.path.string());
    ExpectSurvivesDamage<ScpEcg>(file.bytes, 50, 200, 4000);
  }
  EXPECT_LT(MostMemoryMb(), 700);
}

}  // namespace
}  // namespace ecg
