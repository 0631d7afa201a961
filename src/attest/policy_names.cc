#include "attest/policy_names.h"

#include <array>

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;

struct NamedKind {
  std::string_view name;
  KeyKind kind;
};

constexpr std::array kKinds = {
    NamedKind{"ecdsa-p256-sha256",
              {KeyType::kEcP256, {SignatureScheme::kEcdsa, HashAlgorithm::kSha256}}},
    NamedKind{"ecdsa-p384-sha384",
              {KeyType::kEcP384, {SignatureScheme::kEcdsa, HashAlgorithm::kSha384}}},
    NamedKind{"rsassa-2048-sha256",
              {KeyType::kRsa2048, {SignatureScheme::kRsassa, HashAlgorithm::kSha256}}},
    NamedKind{"rsassa-3072-sha256",
              {KeyType::kRsa3072, {SignatureScheme::kRsassa, HashAlgorithm::kSha256}}},
    NamedKind{"rsassa-3072-sha384",
              {KeyType::kRsa3072, {SignatureScheme::kRsassa, HashAlgorithm::kSha384}}},
    NamedKind{"rsapss-2048-sha256",
              {KeyType::kRsa2048, {SignatureScheme::kRsapss, HashAlgorithm::kSha256}}},
    NamedKind{"rsapss-3072-sha256",
              {KeyType::kRsa3072, {SignatureScheme::kRsapss, HashAlgorithm::kSha256}}},
    NamedKind{"rsapss-3072-sha384",
              {KeyType::kRsa3072, {SignatureScheme::kRsapss, HashAlgorithm::kSha384}}},
};

std::string_view scheme_name(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::kEcdsa:
      return "ecdsa";
    case SignatureScheme::kRsassa:
      return "rsassa";
    case SignatureScheme::kRsapss:
      return "rsapss";
    case SignatureScheme::kEd25519:
      break;
  }
  return "ed25519";
}

}  // namespace

std::optional<KeyKind> parse_key_kind(std::string_view name) {
  for (const NamedKind& known : kKinds) {
    if (known.name == name) return known.kind;
  }
  return std::nullopt;
}

std::string all_key_kind_names() {
  std::string out;
  for (const NamedKind& known : kKinds) {
    if (!out.empty()) out += ", ";
    out += known.name;
  }
  return out;
}

std::string key_kind_name(const KeyKind& kind) {
  for (const NamedKind& known : kKinds) {
    if (known.kind == kind) return std::string(known.name);
  }
  return std::string(scheme_name(kind.scheme.scheme)) + " with " +
         std::string(crypto::hash_name(kind.scheme.hash)) + " and a key of type " +
         std::string(crypto::key_type_name(kind.type));
}

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::kAudit:
      return "Audit";
    case Mode::kWarn:
      return "Warn";
    case Mode::kEnforce:
      break;
  }
  return "Enforce";
}

std::string_view enrollment_name(Enrollment enrollment) {
  return enrollment == Enrollment::kTrustOnFirstUse ? "TrustOnFirstUse" : "Inventory";
}

std::string_view taint_effect_name(TaintEffect effect) {
  switch (effect) {
    case TaintEffect::kNoSchedule:
      return "NoSchedule";
    case TaintEffect::kNoExecute:
      return "NoExecute";
    case TaintEffect::kNone:
      break;
  }
  return "None";
}

}  // namespace avouch::attest
