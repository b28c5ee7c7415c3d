#include "ecg/download/corpus_source.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

TEST(CorpusSourceTest, KnowsEachVersionAndTakesTheNewestByItself) {
  EXPECT_EQ(FindCorpusSource("ptbxl", "1.0.1")->archive_url,
            "https://physionet.org/static/published-projects/ptb-xl/"
            "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.1.zip");
  EXPECT_EQ(FindCorpusSource("ptbxl", "1.0.2")->checksums_url,
            "https://physionet.org/files/ptb-xl/1.0.2/SHA256SUMS.txt");
  EXPECT_EQ(FindCorpusSource("ptbxl", "")->version, "1.0.3");
  EXPECT_EQ(FindCorpusSource("g12ec", "")->folder, "training/georgia/");
  EXPECT_EQ(FindCorpusSource("g12ec", "")->archive_url, FindCorpusSource("cinc_challenge", "")->archive_url);
}

TEST(CorpusSourceTest, SaysHowToGetWhatMustBeDownloadedByHand) {
  const std::string error(FindCorpusSource("cpsc2018", "").status().message());
  EXPECT_THAT(error, HasSubstr("get REFERENCE.csv and TrainingSet1.zip to TrainingSet3.zip from"));
  EXPECT_THAT(error, HasSubstr("$ECG_CPSC2018_DIR"));
}

TEST(CorpusSourceTest, ListsWhatThereIs) {
  EXPECT_THAT(std::string(FindCorpusSource("ptbxl", "2.0").status().message()),
              HasSubstr("no corpus ptbxl 2.0 to download; there are: ptbxl 1.0.1, ptbxl 1.0.2, ptbxl 1.0.3"));
  EXPECT_THAT(std::string(FindCorpusSource("ptb", "").status().message()), HasSubstr("no corpus ptb to download"));
}

}  // namespace
}  // namespace ecg
