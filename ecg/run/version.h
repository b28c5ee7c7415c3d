// version.h
//
// The version of this framework, as run.json records it.
//
//   std::cout << kVersion;

#ifndef ECG_RUN_VERSION_H_
#define ECG_RUN_VERSION_H_

namespace ecg {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace ecg

#endif  // ECG_RUN_VERSION_H_
