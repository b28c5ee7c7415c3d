// sha256.h
//
// SHA-256 digests (FIPS 180-4), written as 64 lower-case hexadecimal digits, as `sha256sum` prints them.
//
//   ECG_ASSIGN_OR_RETURN(const std::string of_file, FileSha256("corpus.zip"));
//
//   Sha256 digest;
//   digest.Update("first piece");
//   digest.Update("last piece");
//   const std::string of_pieces = digest.Hex();

#ifndef ECG_FILE_SHA256_H_
#define ECG_FILE_SHA256_H_

#include <openssl/evp.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "ecg/file/mapped_file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// Sha256 computes the digest of bytes piece by piece.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    // SHA-256 is always there, so this fails only when memory is exhausted.
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
  }

  // Update adds `bytes`.
  void Update(absl::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

  // Hex returns the digest of all that was added. Call it once, last.
  std::string Hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

// FileSha256 returns the digest of the bytes of `path`.
inline absl::StatusOr<std::string> FileSha256(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  Sha256 digest;
  digest.Update(file.bytes());
  return digest.Hex();
}

}  // namespace ecg

#endif  // ECG_FILE_SHA256_H_
