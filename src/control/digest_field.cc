#include "control/digest_field.h"

#include "attest/policy.h"

namespace avouch::control {

crypto::Sha256 read_digest(codec::Fields& fields, std::string_view name) {
  const auto digest = attest::parse_digest_text(fields.required_string(name, 71));
  if (digest.has_value()) return *digest;
  fields.error(name, digest.error().message);
  return {};
}

}  // namespace avouch::control
