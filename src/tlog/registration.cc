#include "tlog/registration.h"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/utf8.h"
#include "crypto/hash.h"
#include "tlog/bundle.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kLeastBytes = 256, kMaxIssuerName = 512;
void check_count(std::size_t count, std::size_t most, const std::string& where,
                 std::vector<std::string>& out) {
  if (count >= 1 && count <= most) return;
  out.push_back(where + ": has " + std::to_string(count) + ", expected 1 to " +
                std::to_string(most));
}

void check_key_type(const crypto::PublicKey& key, const std::string& where,
                    std::vector<std::string>& out) {
  if (key.type() == crypto::KeyType::kEcP256 || key.type() == crypto::KeyType::kEcP384) return;
  out.push_back(where + ": a key of type " + std::string(crypto::key_type_name(key.type())) +
                "; expected EC P-256 (ES256) or P-384 (ES384)");
}

void check_issuer(const RegistrationPolicy::Issuer& issuer, const std::string& where,
                  std::string_view origin, std::vector<std::string>& out) {
  if (issuer.name.size() > kMaxIssuerName || !is_line(issuer.name)) {
    out.push_back(where + ".issuer: expected one line of 1 to " + std::to_string(kMaxIssuerName) +
                  " bytes, the claim iss of its statements");
  }
  if (issuer.name == origin) {
    out.push_back(where + ".issuer: is this log's own name, for which nobody else speaks");
  }
  check_count(issuer.keys.size(), RegistrationPolicy::kMaxKeys, where + ".keys", out);
  for (const crypto::PublicKey& key : issuer.keys) check_key_type(key, where + ".keys", out);
  check_count(issuer.kinds.size(), RegistrationPolicy::kMaxKinds, where + ".kinds", out);
  std::set<std::string_view> seen;
  for (const std::string& kind : issuer.kinds) {
    std::string problem;
    if (!is_media_type(kind)) {
      problem = codec::in_quotes(kind) +
                " is no media type in lower case without parameters, such as application/spdx+json";
    } else if (is_own_kind(kind)) {
      problem = kind + " is what this log alone makes";
    } else if (!seen.insert(kind).second) {
      problem = kind + " stands there twice";
    }
    if (!problem.empty()) out.push_back((where + ".kinds: ").append(problem));
  }
}

// As a URL has it: labels of letters, digits and inner hyphens, with dots between them.
bool is_host_name(std::string_view text) {
  constexpr std::size_t kMaxHost = 253, kMaxLabel = 63;
  if (text.size() > kMaxHost) return false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view label = text.substr(begin, end - begin);
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-';
        })) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

void check_rekor_keys(const std::vector<crypto::PublicKey>& keys, std::string_view origin,
                      std::vector<std::string>& out) {
  if (keys.empty()) return;
  if (keys.size() > RegistrationPolicy::kMaxRekorKeys) {
    out.push_back("rekorKeys: has " + std::to_string(keys.size()) + ", at most " +
                  std::to_string(RegistrationPolicy::kMaxRekorKeys));
  }
  std::set<Bytes> seen;
  for (const crypto::PublicKey& key : keys) {
    check_key_type(key, "rekorKeys", out);
    if (!seen.insert(key.spki_der()).second) out.push_back("rekorKeys: a key stands there twice");
  }
  if (is_host_name(origin)) return;
  out.push_back("rekorKeys: the log's name is " + codec::in_quotes(origin) +
                "; clients of Rekor know a log by a host name alone, such as log.example.org "
                "(log.origin, which must be set before the log is first started)");
}

NotRegistered refuse(std::string title, std::string what) {
  return {std::move(title), std::move(what)};
}

NotRegistered refuse(const StatementRefusal& refusal) {
  switch (refusal.fault) {
    case StatementFault::kAlgorithm:
      return refuse("Bad Signature Algorithm", refusal.what);
    case StatementFault::kPayloadMissing:
      return refuse("Payload Missing", refusal.what);
    case StatementFault::kMalformed:
      break;
  }
  return refuse("Malformed request", refusal.what);
}

}  // namespace

Result<void> check_policy(const RegistrationPolicy& policy, std::string_view origin) {
  std::vector<std::string> problems;
  if (policy.max_bytes < kLeastBytes || policy.max_bytes > kMaxEntryBytes) {
    problems.push_back("maxBytes: is " + std::to_string(policy.max_bytes) + ", expected " +
                       std::to_string(kLeastBytes) + " to " + std::to_string(kMaxEntryBytes));
  }
  if (policy.issuers.size() > RegistrationPolicy::kMaxIssuers) {
    problems.push_back("issuers: has " + std::to_string(policy.issuers.size()) + ", at most " +
                       std::to_string(RegistrationPolicy::kMaxIssuers));
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < policy.issuers.size(); ++i) {
    const std::string where = "issuers[" + std::to_string(i) + "]";
    check_issuer(policy.issuers[i], where, origin, problems);
    if (!names.insert(policy.issuers[i].name).second) {
      problems.push_back(where + ".issuer: stands there twice; give its keys in one place");
    }
  }
  check_rekor_keys(policy.rekor_keys, origin, problems);
  if (problems.empty()) return {};
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "\n") + problem;
  return rejected(std::move(all));
}

RegistrationVerdict check_registration(ByteView statement, const RegistrationPolicy& policy) {
  if (statement.size() > policy.max_bytes) {
    return refuse("TooLarge", "the statement has " + std::to_string(statement.size()) +
                                  " bytes; the registration policy takes at most " +
                                  std::to_string(policy.max_bytes));
  }
  StatementRefusal refusal;
  auto parsed = parse_signed_statement_unverified(statement, &refusal);
  if (!parsed.has_value()) return refuse(refusal);
  const auto issuer = std::find_if(
      policy.issuers.begin(), policy.issuers.end(),
      [&](const RegistrationPolicy::Issuer& each) { return each.name == parsed->issuer; });
  if (issuer == policy.issuers.end()) {
    return refuse("Rejected", "issuer " + codec::in_quotes(parsed->issuer) +
                                  " (claim iss) is none that the registration policy names");
  }
  if (is_own_kind(parsed->content_type) || std::find(issuer->kinds.begin(), issuer->kinds.end(),
                                                     parsed->content_type) == issuer->kinds.end()) {
    return refuse("Rejected", "the registration policy takes no statements about " +
                                  parsed->content_type + " (259) by issuer " +
                                  codec::in_quotes(parsed->issuer));
  }
  if (signer_of(*parsed, issuer->keys) == nullptr) {
    return refuse("Rejected",
                  "the signature is by none of the " + std::to_string(issuer->keys.size()) +
                      " keys that the registration policy has of issuer " +
                      codec::in_quotes(parsed->issuer) + "; sign with one of them, by " +
                      "ES256 (P-256) or ES384 (P-384)");
  }
  Registrable out;
  out.digest = crypto::sha256(parsed->entry);
  out.entry = std::move(parsed->entry);
  out.issuer = std::move(parsed->issuer);
  out.subject = std::move(parsed->subject);
  out.kind = std::move(parsed->content_type);
  return out;
}

}  // namespace avouch::tlog
