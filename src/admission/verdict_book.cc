#include "admission/verdict_book.h"

#include <algorithm>

namespace avouch::admission {
namespace {

bool is_earlier_boot(const attest::TokenClaims& offered, const attest::TokenClaims& known) {
  return offered.ak_name == known.ak_name &&
         (offered.reset_count < known.reset_count || (offered.reset_count == known.reset_count &&
                                                      offered.restart_count < known.restart_count));
}

}  // namespace

VerdictBook::Kept VerdictBook::offer(VerdictFacts verdict, SteadyTime now) {
  const std::string& uid = verdict.token.claims().node_uid;
  if (const auto floor = forgotten_.find(uid);
      floor != forgotten_.end() && !verdict.token.newer_than(floor->second->token)) {
    return Kept::kOlder;
  }
  const auto known = verdicts_.find(uid);
  if (known != verdicts_.end()) {
    const attest::VerifiedToken& newest = known->second->token;
    if (newest.digest() == verdict.token.digest()) {
      verdict.came = known->second->came;
      verdict.outlived = known->second->outlived;
      known->second = std::make_shared<const VerdictFacts>(std::move(verdict));
      return Kept::kSame;
    }
    if (!verdict.token.newer_than(newest)) return Kept::kOlder;
    if (is_earlier_boot(verdict.token.claims(), newest.claims())) return Kept::kEarlier;
  }
  const std::string key = uid;
  const attest::TokenClaims& claims = verdict.token.claims();
  Arrival& arrival = arrivals_[key];
  if (arrival.token != verdict.token.digest()) {
    // Another verdict on the same quote says nothing newer of the machine.
    const bool same_quote = arrival.token != crypto::Sha256{} && arrival.quote == claims.quote;
    arrival = {verdict.token.digest(), now + (claims.expires_at - claims.issued_at), claims.quote,
               same_quote ? arrival.quote_came : now};
  }
  verdict.came = arrival.quote_came;
  verdict.outlived = now >= arrival.end;
  if (!verdict.outlived) earliest_end_ = std::min(earliest_end_, arrival.end);
  verdicts_[key] = std::make_shared<const VerdictFacts>(std::move(verdict));
  forgotten_.erase(key);
  return Kept::kNew;
}

bool VerdictBook::outlive(SteadyTime now) {
  if (now < earliest_end_) return false;
  earliest_end_ = SteadyTime::max();
  bool any = false;
  for (const auto& [uid, arrival] : arrivals_) {
    if (now < arrival.end) {
      earliest_end_ = std::min(earliest_end_, arrival.end);
      continue;
    }
    const auto known = verdicts_.find(uid);
    if (known == verdicts_.end() || known->second->outlived) continue;
    auto verdict = std::make_shared<VerdictFacts>(*known->second);
    verdict->outlived = true;
    known->second = std::move(verdict);
    any = true;
  }
  return any;
}

void VerdictBook::forget(std::string_view node_uid) {
  const auto known = verdicts_.find(node_uid);
  if (known == verdicts_.end()) return;
  forgotten_[known->first] = known->second;
  verdicts_.erase(known);
}

void VerdictBook::clear() {
  verdicts_.clear();
  forgotten_.clear();
}

void VerdictBook::prune(SystemTime now, SteadyTime steady_now) {
  const auto is_past = [now](const auto& entry) {
    return entry.second->token.claims().issued_at + attest::kMaxTokenLife < now;
  };
  std::erase_if(verdicts_, is_past);
  std::erase_if(forgotten_, is_past);
  std::erase_if(arrivals_, [steady_now](const auto& entry) {
    return entry.second.end + attest::kMaxTokenLife < steady_now;
  });
}

}  // namespace avouch::admission
