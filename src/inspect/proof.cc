#include "inspect/proof.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/utf8.h"

namespace avouch::inspect {
namespace {

struct Count {
  std::size_t held = 0;
  std::size_t failed = 0;
  std::size_t untold = 0;
};

void count(const ProofStep& step, Count& total) {
  if (step.outcome == Outcome::kHolds) ++total.held;
  if (step.outcome == Outcome::kFails) ++total.failed;
  if (step.outcome == Outcome::kUntold) ++total.untold;
  for (const ProofStep& part : step.parts) count(part, total);
}

std::string_view mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHolds:
      return "ok   ";
    case Outcome::kUntold:
      return "?    ";
    case Outcome::kNote:
      return "-    ";
    case Outcome::kFails:
      break;
  }
  return "FAILS";
}

void render(const ProofStep& step, const std::string& lead, const std::string& below,
            std::string& out) {
  out += std::string(mark(step.outcome)) + "  " + lead + printable(step.claim);
  if (!step.detail.empty()) out += ": " + printable(step.detail);
  out += '\n';
  for (std::size_t i = 0; i < step.parts.size(); ++i) {
    const bool last = i + 1 == step.parts.size();
    render(step.parts[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "), out);
  }
}

std::string_view word(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHolds:
      return "holds";
    case Outcome::kUntold:
      return "untold";
    case Outcome::kNote:
      return "note";
    case Outcome::kFails:
      break;
  }
  return "fails";
}

// A backslash, `kind`, and the value in so many hexadecimal digits.
std::string escape(char kind, std::uint32_t value, int digits) {
  std::string out = {'\\', kind};
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> static_cast<unsigned>(shift) & 15U];
  }
  return out;
}

std::string escaped(const std::optional<codec::CodePoint>& point, std::uint8_t byte) {
  if (!point || point->value <= 0x7f) return escape('x', byte, 2);
  return point->value > 0xffff ? escape('U', point->value, 8) : escape('u', point->value, 4);
}

}  // namespace

bool all_hold(const ProofStep& step) {
  Count total;
  count(step, total);
  return total.failed == 0 && total.untold == 0 && total.held > 0;
}

bool is_untold(const ProofStep& step) {
  Count total;
  count(step, total);
  return total.failed == 0 && total.untold > 0;
}

std::string render_text(const ProofStep& step) {
  std::string out;
  render(step, "", "", out);
  return out;
}

codec::Json render_json(const ProofStep& step) {
  codec::Json out;
  out["outcome"] = word(step.outcome);
  out["claim"] = step.claim;
  if (!step.detail.empty()) out["detail"] = step.detail;
  if (!step.parts.empty()) {
    codec::Json::Array parts;
    for (const ProofStep& part : step.parts) parts.push_back(render_json(part));
    out["parts"] = std::move(parts);
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = codec::first_code_point(text);
    const std::size_t length = point ? point->length : 1;
    if (point && !codec::is_unseen(point->value)) {
      out += text.substr(0, length);
    } else {
      out += escaped(point, static_cast<std::uint8_t>(text[0]));
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace avouch::inspect
