// compiled_programs.h
//
// The programs that most experiments share, compiled once for all of them: what differs is the network only. Including
// this changes nothing but the time that a build takes.

#ifndef ECG_EXPERIMENT_COMPILED_PROGRAMS_H_
#define ECG_EXPERIMENT_COMPILED_PROGRAMS_H_

#include "ecg/corpus/ptbxl.h"
#include "ecg/experiment/experiment.h"
#include "ecg/experiment/main.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/train/objective.h"
#include "ecg/train/trainer.h"

namespace ecg {

extern template int RunProgram<PtbXl, Trainer<MultiLabel>>(const EmbeddedSpec&, NetworkFactory, int, char**);

}  // namespace ecg

#endif  // ECG_EXPERIMENT_COMPILED_PROGRAMS_H_
