// macro_score.h
//
// A score as the mean over classes.

#ifndef ECG_SCORE_MACRO_SCORE_H_
#define ECG_SCORE_MACRO_SCORE_H_

namespace ecg {

// MacroScore is a mean over classes, and over how many: those that can be scored. A score that is no mean over classes
// has 0 of them.
struct MacroScore {
  double mean = 0;
  int classes = 0;
};

}  // namespace ecg

#endif  // ECG_SCORE_MACRO_SCORE_H_
