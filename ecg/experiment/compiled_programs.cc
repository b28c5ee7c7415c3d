#include "ecg/experiment/compiled_programs.h"

namespace ecg {

template int RunProgram<PtbXl, Trainer<MultiLabel>>(const EmbeddedSpec&, NetworkFactory, int, char**);

}  // namespace ecg
