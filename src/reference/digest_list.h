#pragma once

// Lists of digests as they lie in ConfigMaps, in the evidence store and in files, read piece by
// piece (docs/references.md, "Digest lists"). Two forms:
//
//   text    one a line: HEX, "HEX  PATH" or "HEX *PATH" as sha256sum, sha384sum and sha512sum print
//           them (also with the leading backslash of an escaped path), or ALGORITHM:HEX in place
//           of HEX. The number of digits says the algorithm. Empty lines and lines that begin with
//           # are skipped. Paths are for people: they are not kept.
//   binary  the magic, then for each algorithm in ascending order its TPM_ALG_ID (u16 big-endian),
//           the number of its digests (u32 big-endian, at least 1) and the digests, ascending.
//
// SHA-1 is refused in both.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "reference/digest_set.h"

namespace avouch::reference {

inline constexpr std::string_view kDigestListMagic = "avouch-digests-v1\n";
std::uint16_t list_algorithm_id(crypto::HashAlgorithm algorithm);

struct DigestListLimits {
  std::size_t bytes = 512 * 1024 * 1024;
  std::size_t digests = 2'000'000;
  std::size_t line_bytes = 16 * 1024;
};

struct DigestList {
  std::shared_ptr<const DigestSet> set;
  crypto::Sha256 content{};  // SHA-256 of the bytes that were read
};

// One owner. After an error it gives that error for ever. Beside the set it holds one line.
// Errors are kRejected and name the line (from 1), or in a binary list the offset. An empty list is
// an error: it would accept nothing, which nobody writes a list for.
class DigestListReader {
 public:
  explicit DigestListReader(const DigestListLimits& limits = {});

  Result<void> feed(ByteView piece);
  Result<DigestList> finish() &&;

 private:
  enum class Form { kUnknown, kText, kBinary };
  Result<void> consume(ByteView piece);
  Result<void> take_lines(ByteView piece);
  Result<void> take_line(std::string_view line);
  Result<void> take_binary(ByteView piece);
  Result<void> take_section_head(ByteView head);
  Result<void> take_digest(ByteView digest);
  Error at_line(const std::string& message) const;
  Error at_offset(const std::string& message) const;

  DigestListLimits limits_;
  DigestSetBuilder builder_;
  crypto::Hasher hasher_{crypto::HashAlgorithm::kSha256};
  Form form_ = Form::kUnknown;
  Bytes pending_;          // the beginning of a line, or of a record
  std::size_t bytes_ = 0;  // fed
  std::size_t taken_ = 0;  // of a binary list
  std::size_t line_ = 0;   // lines begun
  std::size_t count_ = 0;  // digests
  std::optional<crypto::HashAlgorithm> section_;
  std::uint32_t left_in_section_ = 0;
  Bytes previous_;  // the digest before, in this section
  std::optional<Error> error_;
};

// A whole list that is in memory.
Result<DigestList> read_digest_list(ByteView list, const DigestListLimits& limits = {});

// A ConfigMap's data: each value is a list in text form, and together they are one. Errors name the
// value and its line.
Result<DigestList> read_digest_lists(const std::map<std::string, std::string>& data,
                                     const DigestListLimits& limits = {});

}  // namespace avouch::reference
