#include "control/registration_record.h"

#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "control/log_payloads.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

using codec::Cbor;

struct Recorded {
  std::uint64_t index = 0;
  Cbor payload;
};

// The newest registration policy by the log's own verifier.
Result<std::optional<Recorded>> newest(const PolicyRecordParts& parts) {
  const auto found =
      parts.index.find(registration_policy_key(), std::numeric_limits<std::uint64_t>::max(), 1);
  if (found.empty()) return std::optional<Recorded>();
  AVOUCH_TRY(const tlog::StoredEntry stored, parts.log.get(found.front()));
  const crypto::PublicKey key = parts.verifier_key.public_key();
  const auto statement = tlog::verify_statement(stored.entry, std::span(&key, 1), parts.origin);
  if (!statement.has_value() || statement->kind() != tlog::kGenesis) {
    return std::optional<Recorded>();
  }
  auto payload = tlog::open_preimage(statement->preimage_digest(), stored.preimage);
  if (!payload.has_value()) return std::optional<Recorded>();
  return std::optional(Recorded{found.front(), *std::move(payload)});
}

bool say_the_same(const Cbor& one, const Cbor& other) {
  for (const std::string_view member :
       {kKindsMember, kStatementsMember, kReferencesMember, kRekorKeysMember}) {
    const Cbor* left = one.find(member);
    const Cbor* right = other.find(member);
    if (left == nullptr || right == nullptr) {
      if (left != right) return false;
    } else if (!(*left == *right)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<std::optional<std::uint64_t>> ensure_registration_policy(
    const PolicyRecordParts& parts, const tlog::RegistrationPolicy& policy, SystemTime now,
    std::string_view references) {
  using Index = std::optional<std::uint64_t>;
  AVOUCH_CHECK(tlog::check_policy(policy, parts.origin));
  AVOUCH_TRY(const std::optional<Recorded> recorded, newest(parts));
  const bool takes_any =
      policy.takes_statements() || policy.takes_hashed_rekords() || !references.empty();
  const Cbor payload = registration_policy_payload(now, policy, references);
  if (recorded && say_the_same(recorded->payload, payload)) {
    return takes_any ? Index(recorded->index) : Index();
  }
  if (!recorded && !takes_any) return Index();
  AVOUCH_TRY(tlog::NewEntry entry,
             tlog::make_entry(parts.verifier_key,
                              {.issuer = parts.origin,
                               .subject = tlog::log_pseudonym(parts.pseudonym_key),
                               .kind = std::string(tlog::kGenesis),
                               .payload = payload},
                              parts.random));
  std::vector<EntryToLog> one;
  one.push_back({std::move(entry.statement), std::move(entry.preimage), ""});
  AVOUCH_TRY(const std::vector<LogPlace> places, parts.entries.append(std::move(one)));
  return takes_any ? Index(places.front().index) : Index();
}

}  // namespace avouch::control
