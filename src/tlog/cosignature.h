#pragma once

// C2SP tlog-cosignature v1 (type 04): a witness states that, of all checkpoints of this log that it
// has seen up to a time, this is the largest, and continues the others. It says nothing of what the
// entries say. A line of a checkpoint's note:
//
//   — NAME BASE64(key ID || be64 POSIX seconds || Ed25519 signature)
//   signed: "cosignature/v1\ntime SECONDS\n" || the note's text

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/note.h"
#include "tlog/note_key.h"

namespace avouch::tlog {

// A witness' verifier key, of type 04. One key for each cosigner: the signature does not name it.
struct CosignerKey : NamedKey {};

// kRejected: as parse_named_key and make_named_key.
Result<CosignerKey> parse_cosigner_vkey(std::string_view vkey);
Result<CosignerKey> make_cosigner_key(std::string_view name, const crypto::PublicKey& key);
std::string format_cosigner_vkey(const CosignerKey& key);

class Cosigner {
 public:
  // As make_cosigner_key.
  static Result<Cosigner> make(std::string_view name, const crypto::PrivateKey& key);
  const CosignerKey& key() const { return key_; }

  // The note line that cosigns a checkpoint's text at `seconds` since 1970, which is from 1 to
  // 2^63 - 1, else kRejected.
  Result<std::string> cosign(std::string_view checkpoint_text, std::uint64_t seconds) const;

 private:
  Cosigner(CosignerKey key, crypto::PrivateKey signer)
      : key_(std::move(key)), signer_(std::move(signer)) {}
  CosignerKey key_;
  crypto::PrivateKey signer_;
};

struct Cosignature {
  std::string name;           // of the key
  std::uint32_t key_id = 0;   // names may repeat, pairs do not
  std::uint64_t seconds = 0;  // since 1970, as the witness says
  bool operator==(const Cosignature&) const = default;
};

// What the known keys say of the note's text, each key's newest line only, in the order of `known`.
// Lines of other keys are ignored. kRejected: a line of a known key that does not verify, has
// another size, or a time of 0 or over 2^63 - 1.
Result<std::vector<Cosignature>> verify_cosignatures(const UnverifiedNote& note,
                                                     std::span<const CosignerKey> known);

}  // namespace avouch::tlog
