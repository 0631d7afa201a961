#pragma once

// What judging finds, as it is collected. Private to bootlog/.

#include <string>
#include <string_view>
#include <vector>

#include "bootlog/judge.h"

namespace avouch::bootlog {

class Findings {
 public:
  explicit Findings(const BoundLog& log) : log_(log) {}

  const BoundLog& log() const { return log_; }
  void claim(attest::Claim what, std::int8_t value);
  // Every problem counts against its claim; what is beyond kMaxReasons is not written out.
  void add(attest::Claim what, attest::Reason reason);
  void add(attest::Claim what, std::size_t event, std::string_view code, std::string message,
           std::string suggestion = "");
  void leave_out(std::size_t problems) { left_out_ += problems; }
  // Whether no reason names it yet: kernels are measured twice, certificates once by each user.
  bool is_first(const reference::Digest& digest);

  BootJudgement finish() &&;

 private:
  bool has_room(attest::Claim what);

  const BoundLog& log_;
  BootJudgement out_;
  std::vector<reference::Digest> named_;
  std::size_t left_out_ = 0;
};

// The parts of judge() in secure_boot.cc.
void judge_secure_boot(const Meaning& meaning, Findings& out);
void judge_certificates(const Meaning& meaning, const reference::ResolvedReferences& references,
                        Findings& out);

}  // namespace avouch::bootlog
