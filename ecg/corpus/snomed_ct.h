// snomed_ct.h
//
// Maps label vocabularies to one another: SCP-ECG (PTB-XL), SNOMED CT (PhysioNet/CinC Challenges) and the nine labels
// of CPSC 2018.
//
//   for (const ClassMatch& match : MatchClasses(ptbxl.labels().classes, g12ec.labels().classes)) {
//     match.code;     // "164889003"
//     match.first;    // columns of ptbxl: {4}, AFIB
//     match.second;   // columns of g12ec: {6}, 164889003
//   }
//
// Source: dx_mapping_scored.csv and dx_mapping_unscored.csv of github.com/physionetchallenges/evaluation-2021, which
// name the codes and count how many records of each corpus carry them, beside the statements of PTB-XL 1.0.1 (Wagner et
// al. 2020, doi:10.1038/s41597-020-0495-6) and the labels of CPSC 2018 (Liu et al. 2018, doi:10.1166/jmihi.2018.2442).
// A pair is listed when the names mean the same and the Challenge counts as many records in PTB-XL as carry the
// statement there. Exceptions: PVC (1,146 records; the Challenge counts 1,154), ABQRS (3,327 of 3,389) and LVH (2,137
// of 2,359), to whose codes the Challenge also gave other statements; and NORM, see kSnomedCt.

#ifndef ECG_CORPUS_SNOMED_CT_H_
#define ECG_CORPUS_SNOMED_CT_H_

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace ecg {

// SnomedCtStatement is one finding in the three vocabularies.
struct SnomedCtStatement {
  absl::string_view code;  // SNOMED CT
  absl::string_view name;  // the Challenge's name
  absl::string_view scp;   // the statement of PTB-XL
  absl::string_view cpsc;  // the label of CPSC 2018, or empty
};

// kSnomedCt is the mapping. PTB-XL's NORM is mapped to 426783006, sinus rhythm, as in Nonaka and Seita 2021: the other
// corpora give that code to records without findings. PTB-XL's SR, which most of its abnormal records have as well, is
// not mapped.
inline constexpr std::array<SnomedCtStatement, 39> kSnomedCt = {{
    {"426783006", "sinus rhythm", "NORM", "Normal"},
    {"164889003", "atrial fibrillation", "AFIB", "AF"},
    {"164890007", "atrial flutter", "AFLT", ""},
    {"270492004", "1st degree AV block", "1AVB", "IAVB"},
    {"195042002", "2nd degree AV block", "2AVB", ""},
    {"27885002", "complete heart block", "3AVB", ""},
    {"713427006", "complete right bundle branch block", "CRBBB", "RBBB"},
    {"713426002", "incomplete right bundle branch block", "IRBBB", ""},
    {"164909002", "left bundle branch block", "CLBBB", "LBBB"},
    {"251120003", "incomplete left bundle branch block", "ILBBB", ""},
    {"445118002", "left anterior fascicular block", "LAFB", ""},
    {"445211001", "left posterior fascicular block", "LPFB", ""},
    {"698252002", "nonspecific intraventricular conduction disorder", "IVCD", ""},
    {"74390002", "Wolff-Parkinson-White pattern", "WPW", ""},
    {"164947007", "prolonged PR interval", "LPR", ""},
    {"111975006", "prolonged QT interval", "LNGQT", ""},
    {"284470004", "premature atrial contraction", "PAC", "PAC"},
    {"427172004", "premature ventricular contractions", "PVC", "PVC"},
    {"10370003", "pacing rhythm", "PACE", ""},
    {"427393009", "sinus arrhythmia", "SARRH", ""},
    {"426177001", "sinus bradycardia", "SBRAD", ""},
    {"427084000", "sinus tachycardia", "STACH", ""},
    {"426761007", "supraventricular tachycardia", "SVTAC", ""},
    {"67198005", "paroxysmal supraventricular tachycardia", "PSVT", ""},
    {"251146004", "low QRS voltages", "LVOLT", ""},
    {"164917005", "Q wave abnormal", "QWAVE", ""},
    {"164951009", "abnormal QRS", "ABQRS", ""},
    {"59931005", "T wave inversion", "INVT", ""},
    {"55930002", "ST changes", "NST_", ""},
    {"429622005", "ST depression", "STD_", "STD"},
    {"164931005", "ST elevation", "STE_", "STE"},
    {"54329005", "anterior myocardial infarction", "AMI", ""},
    {"426434006", "anterior ischemia", "ISCAN", ""},
    {"425419005", "inferior ischemia", "ISCIN", ""},
    {"425623009", "lateral ischemia", "ISCLA", ""},
    {"164873001", "left ventricular hypertrophy", "LVH", ""},
    {"89792004", "right ventricular hypertrophy", "RVH", ""},
    {"67741000119109", "left atrial enlargement", "LAO/LAE", ""},
    {"446358003", "right atrial hypertrophy", "RAO/RAE", ""},
}};

// kSameDiagnosis maps codes to the code that the Challenge scores them as, and 164884008, ventricular ectopics, which
// is its code for PVC in CPSC 2018 and PTB-XL, to PVC.
inline constexpr std::array<std::pair<absl::string_view, absl::string_view>, 5> kSameDiagnosis = {{
    {"59118001", "713427006"},   // right bundle branch block
    {"733534002", "164909002"},  // complete left bundle branch block
    {"63593006", "284470004"},   // supraventricular premature beats
    {"17338001", "427172004"},   // ventricular premature beats
    {"164884008", "427172004"},  // ventricular ectopics
}};

// SnomedCtCode returns the SNOMED CT code of `statement`, of any of the three vocabularies; the same code for
// equivalent ones. A statement that is not listed is returned unchanged.
inline std::string SnomedCtCode(absl::string_view statement) {
  for (const SnomedCtStatement& row : kSnomedCt) {
    if (statement == row.scp || (!row.cpsc.empty() && statement == row.cpsc)) return std::string(row.code);
  }
  for (const auto& [code, same] : kSameDiagnosis) {
    if (statement == code) return std::string(same);
  }
  return std::string(statement);
}

// ClassMatch is a finding that two label vocabularies have in common.
struct ClassMatch {
  // code is its SNOMED CT code, or its name if both vocabularies have a name that is not mapped.
  std::string code;
  // first and second are the matching classes of each vocabulary, as ascending indices. There are several if a corpus
  // is more fine-grained: a record has the finding if it has any of them.
  std::vector<int> first;
  std::vector<int> second;
};

// MatchClasses returns the findings that `first` and `second` have in common, in the order of `first`. The subclasses
// of PTB-XL's task subdiagnostic share names with statements but are broader, so do not match them with another task.
inline std::vector<ClassMatch> MatchClasses(std::span<const std::string> first, std::span<const std::string> second) {
  std::map<std::string, std::vector<int>> in_first, in_second;
  for (size_t k = 0; k < first.size(); ++k) in_first[SnomedCtCode(first[k])].push_back(static_cast<int>(k));
  for (size_t k = 0; k < second.size(); ++k) in_second[SnomedCtCode(second[k])].push_back(static_cast<int>(k));
  std::vector<ClassMatch> matches;
  for (size_t k = 0; k < first.size(); ++k) {
    const std::string code = SnomedCtCode(first[k]);
    const auto found = in_second.find(code);
    if (found == in_second.end() || in_first[code][0] != static_cast<int>(k)) continue;
    matches.push_back({.code = code, .first = in_first[code], .second = found->second});
  }
  return matches;
}

}  // namespace ecg

#endif  // ECG_CORPUS_SNOMED_CT_H_
