// Digests by which a policy is named (docs/interfaces.md, "Policy digests").

#include <algorithm>

#include "attest/policy.h"
#include "base/hex.h"

namespace avouch::attest {

Result<crypto::Sha256> spec_digest(const codec::Json& spec) {
  AVOUCH_TRY(const std::string canonical, codec::canonical_json(spec));
  return crypto::sha256(canonical);
}

Reference config_map_reference(const ConfigMapName& name,
                               const std::map<std::string, std::string>& data) {
  codec::Json json = codec::Json::Object{};
  for (const auto& [key, value] : data) json[key] = value;
  // Strings alone: RFC 8785 is defined for every one of them.
  return {"ConfigMap/" + name.ns + "/" + name.name,
          crypto::sha256(codec::canonical_json(json).value())};
}

std::vector<ConfigMapName> references_of(const PolicySpec& spec) {
  std::vector<ConfigMapName> out = spec.trust_bundles;
  if (spec.inventory) out.push_back(*spec.inventory);
  out.insert(out.end(), spec.reference_keys.begin(), spec.reference_keys.end());
  return out;
}

crypto::Sha256 policy_digest(const crypto::Sha256& spec_digest,
                             std::span<const Reference> references) {
  Bytes input = to_bytes("avouch/policy/v1\n");
  append(input, spec_digest);
  for (const Reference& reference : references) {
    append_be64(input, reference.name.size());
    append(input, reference.name);
    append(input, reference.content);
  }
  return crypto::sha256(input);
}

std::string digest_text(const crypto::Sha256& digest) { return "sha256:" + to_hex(digest); }

Result<crypto::Sha256> parse_digest_text(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const bool well_formed =
      text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
      text.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
  if (!well_formed) {
    return rejected("not a digest: expected sha256: and 64 lower-case hexadecimal digits");
  }
  AVOUCH_TRY(const Bytes bytes, from_hex(text.substr(kPrefix.size())));
  crypto::Sha256 out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace avouch::attest
