#include "attest/json_text.h"

#include <algorithm>

#include "attest/policy.h"

namespace avouch::attest {

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

crypto::Sha256 read_digest(codec::Fields& fields, std::string_view name) {
  const std::string text = fields.required_string(name, 71);
  if (text.empty()) return {};
  const auto digest = parse_digest_text(text);
  if (digest.has_value()) return digest.value();
  fields.error(name, digest.error().message);
  return {};
}

void require(codec::Fields& fields, std::string_view name, std::string_view expected) {
  if (!fields.has(name)) fields.error(name, "is required: expected " + std::string(expected));
}

}  // namespace avouch::attest
