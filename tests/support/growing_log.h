#pragma once

// A log as a witness sees it: a tree, a key, and requests to cosign. Its trees of the same size are
// the same; `forked()` has another history.

#include <string>
#include <vector>

#include "crypto/keys.h"
#include "support/plain_tree.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/witness.h"

namespace avouch::testing {

class GrowingLog {
 public:
  explicit GrowingLog(std::string origin, std::uint64_t size = 64)
      : origin_(std::move(origin)),
        signer_(
            tlog::NoteSigner::make(origin_, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
                .value()) {
    for (std::uint64_t i = 0; i < size; ++i) {
      tree_.push_entry(to_bytes("entry " + std::to_string(i)));
      fork_.push_entry(to_bytes("other " + std::to_string(i)));
    }
  }

  const std::string& origin() const { return origin_; }
  const tlog::NoteSigner& signer() const { return signer_; }
  tlog::WitnessedLog witnessed() const { return {origin_, {signer_.verifier()}}; }

  tlog::Hash root(std::uint64_t size) const {
    return size == 0 ? tlog::empty_root() : tree_.root(size);
  }
  std::string note(std::uint64_t size) const { return sign(size, root(size)); }
  std::string forked(std::uint64_t size) const { return sign(size, fork_.root(size)); }

  // The body of `POST add-checkpoint`.
  std::string body(std::uint64_t old_size, std::uint64_t new_size) const {
    tlog::AddCheckpoint request{old_size, {}, note(new_size)};
    if (old_size > 0 && old_size < new_size) {
      request.proof = tlog::make_consistency_proof(old_size, new_size, tree_.source()).value();
    }
    return tlog::format_add_checkpoint(request);
  }

 private:
  std::string sign(std::uint64_t size, const tlog::Hash& root) const {
    const std::string text = tlog::format_checkpoint({origin_, size, root, {}}).value();
    return tlog::sign_note(text, std::span(&signer_, 1)).value();
  }

  std::string origin_;
  tlog::NoteSigner signer_;
  PlainTree tree_, fork_;
};

}  // namespace avouch::testing
