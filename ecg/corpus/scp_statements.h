// scp_statements.h
//
// The 71 SCP-ECG statements of PTB-XL and their groups, from its scp_statements.csv (Wagner et al. 2020,
// doi:10.1038/s41597-020-0495-6), in its order.

#ifndef ECG_CORPUS_SCP_STATEMENTS_H_
#define ECG_CORPUS_SCP_STATEMENTS_H_

#include <array>

#include "absl/strings/string_view.h"

namespace ecg {

// ScpStatement is one statement of the SCP-ECG standard.
struct ScpStatement {
  absl::string_view code;
  absl::string_view description;
  // kinds is the kind of the statement: 'd' diagnostic, 'f' form, 'r' rhythm; it may have several.
  absl::string_view kinds;
  // diagnostic_class and diagnostic_subclass are the superclass and subclass of a diagnostic statement; else empty.
  absl::string_view diagnostic_class;
  absl::string_view diagnostic_subclass;

  // Is returns whether `kind` is among `kinds`.
  bool Is(char kind) const { return kinds.find(kind) != kinds.npos; }
};

// kScpStatements lists all statements.
inline constexpr std::array<ScpStatement, 71> kScpStatements = {{
    {"NDT", "non-diagnostic T abnormalities", "df", "STTC", "STTC"},
    {"NST_", "non-specific ST changes", "df", "STTC", "NST_"},
    {"DIG", "digitalis-effect", "df", "STTC", "STTC"},
    {"LNGQT", "long QT-interval", "df", "STTC", "STTC"},
    {"NORM", "normal ECG", "d", "NORM", "NORM"},
    {"IMI", "inferior myocardial infarction", "d", "MI", "IMI"},
    {"ASMI", "anteroseptal myocardial infarction", "d", "MI", "AMI"},
    {"LVH", "left ventricular hypertrophy", "d", "HYP", "LVH"},
    {"LAFB", "left anterior fascicular block", "d", "CD", "LAFB/LPFB"},
    {"ISC_", "non-specific ischemic", "d", "STTC", "ISC_"},
    {"IRBBB", "incomplete right bundle branch block", "d", "CD", "IRBBB"},
    {"1AVB", "first degree AV block", "d", "CD", "_AVB"},
    {"IVCD", "non-specific intraventricular conduction disturbance (block)", "d", "CD", "IVCD"},
    {"ISCAL", "ischemic in anterolateral leads", "d", "STTC", "ISCA"},
    {"CRBBB", "complete right bundle branch block", "d", "CD", "CRBBB"},
    {"CLBBB", "complete left bundle branch block", "d", "CD", "CLBBB"},
    {"ILMI", "inferolateral myocardial infarction", "d", "MI", "IMI"},
    {"LAO/LAE", "left atrial overload/enlargement", "d", "HYP", "LAO/LAE"},
    {"AMI", "anterior myocardial infarction", "d", "MI", "AMI"},
    {"ALMI", "anterolateral myocardial infarction", "d", "MI", "AMI"},
    {"ISCIN", "ischemic in inferior leads", "d", "STTC", "ISCI"},
    {"INJAS", "subendocardial injury in anteroseptal leads", "d", "MI", "AMI"},
    {"LMI", "lateral myocardial infarction", "d", "MI", "LMI"},
    {"ISCIL", "ischemic in inferolateral leads", "d", "STTC", "ISCI"},
    {"LPFB", "left posterior fascicular block", "d", "CD", "LAFB/LPFB"},
    {"ISCAS", "ischemic in anteroseptal leads", "d", "STTC", "ISCA"},
    {"INJAL", "subendocardial injury in anterolateral leads", "d", "MI", "AMI"},
    {"ISCLA", "ischemic in lateral leads", "d", "STTC", "ISCA"},
    {"RVH", "right ventricular hypertrophy", "d", "HYP", "RVH"},
    {"ANEUR", "ST-T changes compatible with ventricular aneurysm", "d", "STTC", "STTC"},
    {"RAO/RAE", "right atrial overload/enlargement", "d", "HYP", "RAO/RAE"},
    {"EL", "electrolytic disturbance or drug (former EDIS)", "d", "STTC", "STTC"},
    {"WPW", "Wolf-Parkinson-White syndrome", "d", "CD", "WPW"},
    {"ILBBB", "incomplete left bundle branch block", "d", "CD", "ILBBB"},
    {"IPLMI", "inferoposterolateral myocardial infarction", "d", "MI", "IMI"},
    {"ISCAN", "ischemic in anterior leads", "d", "STTC", "ISCA"},
    {"IPMI", "inferoposterior myocardial infarction", "d", "MI", "IMI"},
    {"SEHYP", "septal hypertrophy", "d", "HYP", "SEHYP"},
    {"INJIN", "subendocardial injury in inferior leads", "d", "MI", "IMI"},
    {"INJLA", "subendocardial injury in lateral leads", "d", "MI", "AMI"},
    {"PMI", "posterior myocardial infarction", "d", "MI", "PMI"},
    {"3AVB", "third degree AV block", "d", "CD", "_AVB"},
    {"INJIL", "subendocardial injury in inferolateral leads", "d", "MI", "IMI"},
    {"2AVB", "second degree AV block", "d", "CD", "_AVB"},
    {"ABQRS", "abnormal QRS", "f", "", ""},
    {"PVC", "ventricular premature complex", "f", "", ""},
    {"STD_", "non-specific ST depression", "f", "", ""},
    {"VCLVH", "voltage criteria (QRS) for left ventricular hypertrophy", "f", "", ""},
    {"QWAVE", "Q waves present", "f", "", ""},
    {"LOWT", "low amplitude T-waves", "f", "", ""},
    {"NT_", "non-specific T-wave changes", "f", "", ""},
    {"PAC", "atrial premature complex", "f", "", ""},
    {"LPR", "prolonged PR interval", "f", "", ""},
    {"INVT", "inverted T-waves", "f", "", ""},
    {"LVOLT", "low QRS voltages in the frontal and horizontal leads", "f", "", ""},
    {"HVOLT", "high QRS voltage", "f", "", ""},
    {"TAB_", "T-wave abnormality", "f", "", ""},
    {"STE_", "non-specific ST elevation", "f", "", ""},
    {"PRC(S)", "premature complex(es)", "f", "", ""},
    {"SR", "sinus rhythm", "r", "", ""},
    {"AFIB", "atrial fibrillation", "r", "", ""},
    {"STACH", "sinus tachycardia", "r", "", ""},
    {"SARRH", "sinus arrhythmia", "r", "", ""},
    {"SBRAD", "sinus bradycardia", "r", "", ""},
    {"PACE", "normal functioning artificial pacemaker", "r", "", ""},
    {"SVARR", "supraventricular arrhythmia", "r", "", ""},
    {"BIGU", "bigeminal pattern (unknown origin, SV or Ventricular)", "r", "", ""},
    {"AFLT", "atrial flutter", "r", "", ""},
    {"SVTAC", "supraventricular tachycardia", "r", "", ""},
    {"PSVT", "paroxysmal supraventricular tachycardia", "r", "", ""},
    {"TRIGU", "trigeminal pattern (unknown origin, SV or Ventricular)", "r", "", ""},
}};

}  // namespace ecg

#endif  // ECG_CORPUS_SCP_STATEMENTS_H_
