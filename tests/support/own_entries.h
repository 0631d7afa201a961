#pragma once

// Entries of the test log's own, with content that can be told apart, and what takes it away.

#include <string>

#include "crypto/random.h"
#include "support/log_process.h"
#include "tlog/entry.h"
#include "tlog/remark.h"
#include "tlog/retention.h"

namespace avouch::testing {

inline tlog::Submission own_submission(std::string_view kind, codec::Cbor payload,
                                       const std::string& id) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  auto made = tlog::make_entry(key, {kTestOrigin, "node:1", std::string(kind), std::move(payload)},
                               crypto::system_random())
                  .value();
  return {std::move(made.statement), std::move(made.preimage), id};
}

// What only its content has.
inline std::string secret_of(const std::string& id) { return "secret of <" + id + ">"; }

inline tlog::Submission verdict(const std::string& id) {
  using codec::Cbor;
  return own_submission(tlog::kNodeVerdict,
                        Cbor::map({{Cbor::text("secret"), Cbor::text(secret_of(id))}}), id);
}

inline std::vector<tlog::Submission> verdicts(const std::string& prefix, int count) {
  std::vector<tlog::Submission> all;
  for (int i = 0; i < count; ++i) all.push_back(verdict(prefix + std::to_string(i)));
  return all;
}

inline tlog::Submission erasure_of(const tlog::Sequenced& place) {
  tlog::Remark remark;
  remark.kind = tlog::RemarkKind::kErasure;
  remark.refs = {{kTestOrigin, place.index, place.leaf, ""}};
  remark.text = "asked for";
  return own_submission(tlog::kErasureKind,
                        tlog::remark_payload({remark, "bob", SystemTime{}}, kTestOrigin).value(),
                        "erase " + std::to_string(place.index));
}

inline tlog::Submission retention_of(const tlog::RetentionPolicy& policy) {
  return own_submission(tlog::kRetentionKind, tlog::retention_payload(policy, SystemTime{}), "");
}

inline tlog::Submission pruning_of(const tlog::Pruning& pruning) {
  return own_submission(tlog::kPruningKind, tlog::pruning_payload(pruning, SystemTime{}), "");
}

}  // namespace avouch::testing
