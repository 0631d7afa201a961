#pragma once

// A log of somebody else, in memory, with a witness: references to its entries, as they are sent.

#include <string>

#include "tests/support/plain_tree.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/log_proof.h"
#include "tlog/note.h"
#include "tlog/remark.h"

namespace avouch::testing {

class OtherLog {
 public:
  explicit OtherLog(std::string name, std::uint64_t entries = 40) : origin(std::move(name)) {
    for (std::uint64_t i = 0; i < entries; ++i) {
      tree.push_entry(to_bytes(origin + " entry " + std::to_string(i)));
    }
  }

  // The checkpoint of its first `size` entries, by the log and the witness.
  std::string note(std::uint64_t size) const {
    const std::string text = tlog::format_checkpoint({origin, size, tree.root(size), {}}).value();
    return tlog::sign_note(text, std::span(&signer, 1)).value() + witness.cosign(text, 77).value();
  }
  tlog::LogProof proof(std::uint64_t index, std::uint64_t size) const {
    return {std::nullopt, index, tlog::make_inclusion_proof(index, size, tree.source()).value(),
            note(size)};
  }
  tlog::EntryReference reference(std::uint64_t index, std::uint64_t size) const {
    return {origin, index, tree.leaf(index), tlog::format_log_proof(proof(index, size))};
  }

  std::string policy_line() const { return "log " + tlog::format_vkey(signer.verifier()) + "\n"; }
  // Of the log, and of its witness.
  std::string policy_with_quorum() const {
    return policy_line() + "witness w " + tlog::format_cosigner_vkey(witness.key()) +
           "\nquorum w\n";
  }

  const std::string origin;
  PlainTree tree;
  tlog::NoteSigner signer =
      tlog::NoteSigner::make(origin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  tlog::Cosigner witness =
      tlog::Cosigner::make("witness.example",
                           crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
};

}  // namespace avouch::testing
