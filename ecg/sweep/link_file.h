// link_file.h
//
// Files in a folder that several machines share: made once, by the first that asks for them.
//
//   ECG_ASSIGN_OR_RETURN(const bool is_first, LinkFile("runs/grid/data.textproto", "demo_records: 60"));

#ifndef ECG_SWEEP_LINK_FILE_H_
#define ECG_SWEEP_LINK_FILE_H_

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ecg {

// RandomName returns 16 random hexadecimal digits, which no other process on any machine draws.
std::string RandomName();

// LinkFile makes the file `path`, with `bytes`, unless there is one, and returns whether it did. Of many processes on
// many machines one succeeds, and none ever sees a part of the file: it is written and synced under a random name,
// which link(2) then makes `path` too. That is atomic on NFS as well. Where the answer of an NFS server gets lost, link
// fails although it was done; the file's number of links tells (the manual of open(2), O_EXCL). Fails with NotFound
// where there is no folder for it.
absl::StatusOr<bool> LinkFile(const std::filesystem::path& path, absl::string_view bytes);

// AskServer makes an NFS client ask its server what is in `folder`, rather than use what it remembers: opening a folder
// does so.
void AskServer(const std::filesystem::path& folder);

}  // namespace ecg

#endif  // ECG_SWEEP_LINK_FILE_H_
