#include "bootlog/findings.h"

#include <algorithm>
#include <utility>

namespace avouch::bootlog {

using attest::Claim;
using attest::Reason;

void Findings::claim(Claim what, std::int8_t value) {
  attest::TrustVector one;
  one[what] = value;
  out_.vector = attest::worse(out_.vector, one);
}

bool Findings::has_room(Claim what) {
  claim(what, attest::kUnacceptable);
  if (out_.reasons.size() < kMaxReasons) return true;
  ++left_out_;
  return false;
}

void Findings::add(Claim what, Reason reason) {
  if (has_room(what)) out_.reasons.push_back(std::move(reason));
}

void Findings::add(Claim what, std::size_t event, std::string_view code, std::string message,
                   std::string suggestion) {
  if (!has_room(what)) return;
  out_.reasons.push_back(about_event(log_, event, code, std::move(message)));
  out_.reasons.back().suggestion = std::move(suggestion);
}

bool Findings::is_first(const reference::Digest& digest) {
  if (std::find(named_.begin(), named_.end(), digest) != named_.end()) return false;
  if (named_.size() < kMaxReasons) named_.push_back(digest);
  return true;
}

BootJudgement Findings::finish() && {
  if (left_out_ > 0) {
    out_.reasons.push_back(attest::refuse(
        code::kMoreReasons, std::to_string(left_out_) + " further problems of the boot log: "
                                                        "kubectl avouch eventlog shows it"));
  }
  return std::move(out_);
}

}  // namespace avouch::bootlog
