#include "ecg/train/objective.h"

namespace ecg {

template class ErasedObjective<MultiLabel>;
template class ErasedObjective<MultiClass>;

}  // namespace ecg
