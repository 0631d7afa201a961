#include "tpm/ek_template.h"

#include "base/hex.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

// PolicyA (SHA-256): PolicySecret of the endorsement hierarchy. PolicyB: the same or a policy of
// the platform, by PolicyOR (TCG EK Credential Profile 2.5, B.6).
constexpr std::string_view kPolicyA =
    "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
constexpr std::string_view kPolicyB256 =
    "ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0";
constexpr std::string_view kPolicyB384 =
    "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419ca"
    "cb47ba09699646150f9fc000f3f80e12";

constexpr std::uint16_t kRsa = 0x0001, kAes = 0x0006, kNull = 0x0010, kEcc = 0x0023, kCfb = 0x0043,
                        kP256 = 0x0003, kP384 = 0x0004;
constexpr std::uint32_t kLowRange =
    kFixedTpm | kFixedParent | kSensitiveDataOrigin | kAdminWithPolicy | kRestricted | kDecrypt;
constexpr std::uint32_t kHighRange = kLowRange | kUserWithAuth;

void append_head(Bytes& out, std::uint16_t type, crypto::HashAlgorithm name_hash,
                 std::uint32_t attributes, std::string_view policy_hex, std::uint16_t aes_bits) {
  append_be16(out, type);
  append_be16(out, algorithm_id(name_hash));
  append_be32(out, attributes);
  append(out, to_sized(from_hex(policy_hex).value()));
  append_be16(out, kAes);
  append_be16(out, aes_bits);
  append_be16(out, kCfb);
  append_be16(out, kNull);  // scheme
}

void append_curve(Bytes& out, std::uint16_t curve, std::size_t coordinate_size) {
  append_be16(out, curve);
  append_be16(out, kNull);  // key derivation
  append(out, to_sized(Bytes(coordinate_size)));
  append(out, to_sized(Bytes(coordinate_size)));
}

void append_rsa(Bytes& out, std::uint16_t key_bits, std::size_t modulus_size) {
  append_be16(out, key_bits);
  append_be32(out, 0);  // exponent 65537
  append(out, to_sized(Bytes(modulus_size)));
}

}  // namespace

Bytes ek_template(EkTemplate key) {
  Bytes area;
  switch (key) {
    case EkTemplate::kRsa2048:
      append_head(area, kRsa, crypto::HashAlgorithm::kSha256, kLowRange, kPolicyA, 128);
      append_rsa(area, 2048, 256);
      break;
    case EkTemplate::kEccP256:
      append_head(area, kEcc, crypto::HashAlgorithm::kSha256, kLowRange, kPolicyA, 128);
      append_curve(area, kP256, 32);
      break;
    case EkTemplate::kEccP384:
      append_head(area, kEcc, crypto::HashAlgorithm::kSha384, kHighRange, kPolicyB384, 256);
      append_curve(area, kP384, 0);
      break;
    case EkTemplate::kHighEccP256:
      append_head(area, kEcc, crypto::HashAlgorithm::kSha256, kHighRange, kPolicyB256, 128);
      append_curve(area, kP256, 0);
      break;
    case EkTemplate::kHighRsa2048:
      append_head(area, kRsa, crypto::HashAlgorithm::kSha256, kHighRange, kPolicyB256, 128);
      append_rsa(area, 2048, 0);
      break;
    case EkTemplate::kHighRsa3072:
      append_head(area, kRsa, crypto::HashAlgorithm::kSha384, kHighRange, kPolicyB384, 256);
      append_rsa(area, 3072, 0);
      break;
  }
  return to_sized(area);
}

}  // namespace avouch::tpm
