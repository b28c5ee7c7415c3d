// halving.h
//
// How many epochs runs have at each rung of successive halving, and whether they go on from a checkpoint.
//
//   BracketSize(sweep.search());            // 9 with factor 3 and 3 rungs
//   RungEpochs(sweep.search(), 50, 0);      // 6, then 17, then 50

#ifndef ECG_SWEEP_HALVING_H_
#define ECG_SWEEP_HALVING_H_

#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

// BracketSize returns the number of settings of a bracket, at its first rung; 1 where `search` has no halving.
int BracketSize(const spec::Search& search);

// Rungs returns the number of rungs; 1 where `search` has no halving.
int Rungs(const spec::Search& search);

// RungEpochs returns the number of epochs at `rung`, from 0, where the last rung has all `epochs`: rounded, at least 1.
int RungEpochs(const spec::Search& search, int epochs, int rung);

// DependsOnEpochs says whether the training that `spec` describes, with its defaults filled in, depends on the number
// of epochs, so that it cannot be resumed with more: by the schedule, whose type says so, or by averaged_weights. Of an
// own schedule that is not known here: true.
bool DependsOnEpochs(const spec::Experiment& spec);

}  // namespace ecg

#endif  // ECG_SWEEP_HALVING_H_
