#include "inspect/proof.h"

#include <cstdint>
#include <string_view>

namespace avouch::inspect {
namespace {

struct Count {
  std::size_t held = 0;
  std::size_t failed = 0;
};

void count(const ProofStep& step, Count& total) {
  if (step.outcome == Outcome::kHolds) ++total.held;
  if (step.outcome == Outcome::kFails) ++total.failed;
  for (const ProofStep& part : step.parts) count(part, total);
}

std::string_view mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHolds:
      return "ok   ";
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
    case Outcome::kNote:
      return "note";
    case Outcome::kFails:
      break;
  }
  return "fails";
}

}  // namespace

bool all_hold(const ProofStep& step) {
  Count total;
  count(step, total);
  return total.failed == 0 && total.held > 0;
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
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // C0, DEL, and C1 controls (UTF-8 c2 80 to c2 9f): what terminals obey.
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1) {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace avouch::inspect
