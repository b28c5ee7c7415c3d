#include "ecg/signal/dicom.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Number>
std::string Raw(Number number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof(Number));
}

// Element returns an element of explicit VR, little endian.
std::string Element(uint16_t group, uint16_t element, const std::string& vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
  const bool is_long = vr == "SQ" || vr == "OW" || vr == "OB" || vr == "UN";
  return Raw(group) + Raw(element) + vr +
         (is_long ? Raw<uint16_t>(0) + Raw<uint32_t>(value.size()) : Raw<uint16_t>(value.size())) + value;
}

std::string Sequence(uint16_t group, uint16_t element, const std::vector<std::string>& items) {
  std::string value;
  for (const std::string& item : items)
    value += Raw<uint16_t>(0xFFFE) + Raw<uint16_t>(0xE000) + Raw<uint32_t>(item.size()) + item;
  return Element(group, element, "SQ", value);
}

std::string Code(const std::string& value, const std::string& scheme, const std::string& meaning) {
  return Element(8, 0x100, "SH", value) + Element(8, 0x102, "SH", scheme) + Element(8, 0x104, "LO", meaning);
}

struct TestChannel {
  std::string code = "2:2", meaning = "Lead II", label = "";
  std::string sensitivity = "2.5", unit = "uV", correction = "1", baseline = "0";

  std::string item() const {
    std::string item;
    if (!label.empty()) item += Element(0x3A, 0x203, "SH", label);
    if (!meaning.empty()) item += Sequence(0x3A, 0x208, {Code(code, "MDC", meaning)});
    if (!sensitivity.empty()) item += Element(0x3A, 0x210, "DS", sensitivity);
    if (!unit.empty()) item += Sequence(0x3A, 0x211, {Code(unit, "UCUM", unit)});
    return item + Element(0x3A, 0x212, "DS", correction) + Element(0x3A, 0x213, "DS", baseline) +
           Element(0x3A, 0x220, "DS", "0.05") + Element(0x3A, 0x221, "DS", "150");
  }
};

struct TestGroup {
  std::string label = "RHYTHM", originality = "ORIGINAL", frequency = "500", kind = "SS", offset = "";
  std::vector<TestChannel> channels = {{}};
  uint32_t samples = 3;
  uint16_t bits = 16;
  std::string data = Raw<int16_t>(1) + Raw<int16_t>(-2) + Raw<int16_t>(400);
  std::string padding = "";

  std::string item() const {
    std::vector<std::string> definitions;
    for (const TestChannel& channel : channels) definitions.push_back(channel.item());
    std::string item;
    if (!offset.empty()) item += Element(0x18, 0x1068, "DS", offset);
    item += Element(0x3A, 4, "CS", originality) + Element(0x3A, 5, "US", Raw<uint16_t>(channels.size())) +
            Element(0x3A, 0x10, "UL", Raw(samples)) + Element(0x3A, 0x1A, "DS", frequency) +
            Element(0x3A, 0x20, "SH", label) + Sequence(0x3A, 0x200, definitions) +
            Element(0x5400, 0x1004, "US", Raw(bits)) + Element(0x5400, 0x1006, "CS", kind);
    if (!padding.empty()) item += Element(0x5400, 0x100A, "OW", padding);
    return item + Element(0x5400, 0x1010, bits == 8 ? "OB" : "OW", data);
  }
};

std::string File(const std::vector<TestGroup>& groups, const std::string& head = "") {
  std::vector<std::string> items;
  for (const TestGroup& group : groups) items.push_back(group.item());
  const std::string meta = Element(2, 0x10, "UI", "1.2.840.10008.1.2.1");
  return std::string(128, '\0') + "DICM" + Element(2, 0, "UL", Raw<uint32_t>(meta.size())) + meta +
         Element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.9.1.2") + head + Sequence(0x5400, 0x100, items);
}

absl::StatusOr<Recording> Read(const std::string& bytes) { return Dicom::Read({.path = "", .bytes = bytes}); }

TEST(DicomTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Dicom>("dicom") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(DicomTest, ReadsAFile) {
  const std::string head = Element(8, 0x2A, "DT", "20080710165457.250000") + Element(8, 0x70, "LO", "Maker") +
                           Element(8, 0x1090, "LO", "Model 1") + Element(0x10, 0x40, "CS", "F") +
                           Element(0x10, 0x1010, "AS", "018M");
  const std::string bytes = File({{}}, head);
  EXPECT_TRUE(Dicom::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->format, "DICOM general ECG");
  EXPECT_EQ(recording->recorded_at, "2008-07-10T16:54:57.25");
  EXPECT_EQ(recording->machine, "Maker Model 1");
  EXPECT_EQ(recording->sex, "female");
  EXPECT_EQ(recording->age_years, 1.5);
  EXPECT_EQ(recording->filters, "high-pass 0.05 Hz, low-pass 150 Hz");
  EXPECT_THAT(recording->notes, IsEmpty());
  ASSERT_EQ(recording->strips.size(), 1u);
  EXPECT_EQ(recording->strips[0].sampling_frequency_hz, 500);
  EXPECT_EQ(recording->strips[0].channels[0].name, "II");
  EXPECT_EQ(recording->strips[0].channels[0].step_mv, 0.0025);
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(.0025f, -.005f, 1));
}

TEST(DicomTest, ScalesEachChannelInItsOwnUnit) {
  TestGroup group;
  group.samples = 1;
  group.data += Raw<int16_t>(7);
  group.channels = {
      {.sensitivity = "10"},
      {.code = "5.6.3-9-61", .meaning = "?", .sensitivity = "0.01", .unit = "mV", .correction = "2", .baseline = "1"},
      {.code = "131390", .meaning = "?", .unit = ""},
      {.unit = "mm[Hg]"}};
  const absl::StatusOr<Recording> recording = Read(File({group}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  const std::vector<Channel>& channels = recording->strips[0].channels;
  ASSERT_EQ(channels.size(), 3u);
  EXPECT_FLOAT_EQ(channels[0].mv[0], 0.01f);
  EXPECT_FLOAT_EQ(channels[1].mv[0], -2 * 0.02f + 1);
  EXPECT_FLOAT_EQ(channels[2].mv[0], 1);
  EXPECT_EQ(channels[1].name, "III");
  EXPECT_EQ(channels[2].name, "aVR");
  EXPECT_THAT(recording->notes,
              ElementsAre("the unit of aVR is not stated; taken as uV", "left out, as they are no voltages: II"));
}

TEST(DicomTest, FindsTheNameOfALead) {
  const auto name = [](const TestChannel& channel) {
    TestGroup group;
    group.channels = {channel};
    return Read(File({group}))->strips[0].channels[0].name;
  };
  EXPECT_EQ(name({.code = "2:11", .meaning = "?"}), "V3R");
  EXPECT_EQ(name({.code = "?", .meaning = "Lead I (Einthoven)"}), "I");
  EXPECT_EQ(name({.code = "MDC_ECG_LEAD_AVF", .meaning = "?"}), "aVF");
  EXPECT_EQ(name({.code = "?", .meaning = "Lead MCL1"}), "MCL1");
  EXPECT_EQ(name({.meaning = "", .label = "V2"}), "V2");
  EXPECT_EQ(name({.code = "?", .meaning = "ECG channel", .label = "aVL"}), "aVL");
  EXPECT_EQ(name({.code = "3 Hz", .meaning = "3 Hz"}), "3 Hz");
  EXPECT_EQ(name({.meaning = ""}), "channel 1");
}

TEST(DicomTest, ReadsNumbersOfEveryWidth) {
  const auto first = [](const std::string& kind, uint16_t bits, const std::string& data) {
    TestGroup group;
    group.kind = kind;
    group.bits = bits;
    group.data = data;
    group.channels[0].sensitivity = "1000";
    group.samples = 1;
    const absl::StatusOr<Recording> recording = Read(File({group}));
    EXPECT_TRUE(recording.ok()) << recording.status();
    return recording.ok() ? recording->strips[0].channels[0].mv[0] : -1;
  };
  EXPECT_EQ(first("SB", 8, "\xFF\xFF"), -1);
  EXPECT_EQ(first("UB", 8, "\xFF\xFF"), 255);
  EXPECT_EQ(first("SS", 16, "\xFE\xFF"), -2);
  EXPECT_EQ(first("US", 16, "\xFE\xFF"), 65534);
  EXPECT_EQ(first("SL", 32, "\xFE\xFF\xFF\xFF"), -2);
  EXPECT_EQ(first("UL", 32, Raw<uint32_t>(70000)), 70000);
}

TEST(DicomTest, TellsTheRepresentativeBeat) {
  TestGroup median, derived;
  median.label = "MEDIAN BEAT";
  derived.label = "";
  derived.originality = "DERIVED";
  derived.offset = "1500";
  const absl::StatusOr<Recording> recording = Read(File({{}, median, derived}));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 3u);
  EXPECT_EQ(recording->strips[0].kind, Strip::Kind::kRhythm);
  EXPECT_EQ(recording->strips[1].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(recording->strips[2].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(recording->strips[2].start_seconds, 1.5);
}

TEST(DicomTest, TakesPaddingForMissing) {
  TestGroup group;
  group.data = Raw<int16_t>(-32768) + Raw<int16_t>(5) + Raw<int16_t>(-32768);
  const std::vector<float> unstated = Read(File({group}))->strips[0].channels[0].mv;
  EXPECT_THAT(unstated, ElementsAre(-81.92f, .0125f));
  group.padding = Raw<int16_t>(0);
  EXPECT_EQ(Read(File({group}))->strips[0].channels[0].mv, unstated);
  EXPECT_THAT(Read(File({group}))->notes,
              ElementsAre("group 1 (RHYTHM) ends with 1 missing samples, which are left out"));
  group.padding = Raw<int16_t>(5);
  const std::vector<float> stated = Read(File({group}))->strips[0].channels[0].mv;
  EXPECT_TRUE(std::isnan(stated[1]));
  EXPECT_EQ(stated[2], -81.92f);
}

TEST(DicomTest, SaysWhatIsMissingOrWrong) {
  const auto error = [](const std::string& bytes) { return std::string(Read(bytes).status().message()); };
  EXPECT_THAT(error("hello"), HasSubstr("no DICM at byte 128"));
  EXPECT_THAT(error(File({})), HasSubstr("no waveforms (class 1.2.840.10008.5.1.4.1.1.9.1.2)"));
  const std::string whole = File({{}});
  EXPECT_THAT(error(whole.substr(0, 300)), HasSubstr("byte 294: an element is cut short"));
  const absl::StatusOr<Recording> cut = Read(whole.substr(0, whole.size() - 2));
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ(cut->strips[0].samples(), 2u);
  EXPECT_THAT(cut->notes, ElementsAre("group 1 (RHYTHM) states 3 samples, 2 found", HasSubstr("cut short")));
  TestGroup group;
  group.frequency = "0";
  EXPECT_THAT(error(File({group})), HasSubstr("group 1 (RHYTHM): 1 channels of 3 samples with a frequency of 0 Hz"));
  group.frequency = "500";
  group.kind = "MB";
  EXPECT_THAT(error(File({group})), HasSubstr("samples of 16 bits of the kind \"MB\""));
  EXPECT_THAT(Read(File({{}, group}))->notes, ElementsAre(HasSubstr("left out: group 2 (RHYTHM): samples of 16 bits")));
  TestGroup short_group;
  short_group.samples = 10;
  EXPECT_THAT(Read(File({short_group}))->notes, ElementsAre("group 1 (RHYTHM) states 10 samples, 3 found"));
}

TEST(DicomTest, SurvivesDamage) {
  const std::string bytes = File({{}, {.label = "MEDIAN"}});
  ExpectSurvivesDamage<Dicom>(bytes, bytes.size(), 8000, bytes.size());
}

TEST(DicomTest, SurvivesDamageOfRealFiles) {
  for (const SharedRecording& file : SharedRecordings("dicom")) {
    SCOPED_TRACE(file.path.string());
    ExpectSurvivesDamage<Dicom>(file.bytes, 50, 200, 4000);
  }
  EXPECT_LT(MostMemoryMb(), 700);
}

TEST(DicomTest, SurvivesManySequencesInOneAnother) {
  std::string nested;
  for (int i = 0; i < 20'000; ++i) {
    nested += Raw<uint16_t>(0x5400) + Raw<uint16_t>(0x100) + "SQ" + Raw<uint16_t>(0) + Raw<uint32_t>(0xFFFFFFFF) +
              Raw<uint16_t>(0xFFFE) + Raw<uint16_t>(0xE000) + Raw<uint32_t>(0xFFFFFFFF);
  }
  EXPECT_FALSE(Read(File({}, nested)).ok());
}

}  // namespace
}  // namespace ecg
