#pragma once

// Endorsement key templates of the TCG EK Credential Profile 2.5 (B.3.3, B.3.4, B.4.3 to B.4.5,
// B.4.8): with one of them every TPM makes the very key that its maker certified.

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace avouch::tpm {

enum class EkTemplate {
  kRsa2048,      // L-1
  kEccP256,      // L-2
  kEccP384,      // H-3
  kHighEccP256,  // H-2
  kHighRsa2048,  // H-1
  kHighRsa3072,  // H-6
};

struct EkSlot {
  EkTemplate key;
  std::string_view name;
  std::uint32_t certificate_nv;  // NV index of the certificate
  std::uint32_t nonce_nv;        // NV index of the maker's nonce; 0: none is defined
  std::uint32_t template_nv;     // NV index of the maker's own template
};

// In order of preference: the low range, which most makers certify, before the high one.
inline constexpr std::array kEkSlots = {
    EkSlot{EkTemplate::kEccP256, "L-2 (ECC P-256)", 0x01c0000a, 0x01c0000b, 0x01c0000c},
    EkSlot{EkTemplate::kRsa2048, "L-1 (RSA-2048)", 0x01c00002, 0x01c00003, 0x01c00004},
    EkSlot{EkTemplate::kEccP384, "H-3 (ECC P-384)", 0x01c00016, 0, 0x01c00017},
    EkSlot{EkTemplate::kHighEccP256, "H-2 (ECC P-256)", 0x01c00014, 0, 0x01c00015},
    EkSlot{EkTemplate::kHighRsa2048, "H-1 (RSA-2048)", 0x01c00012, 0, 0x01c00013},
    EkSlot{EkTemplate::kHighRsa3072, "H-6 (RSA-3072)", 0x01c0001c, 0, 0x01c0001d},
};

// TPM2B_PUBLIC, with its size: inPublic of TPM2_CreatePrimary in the endorsement hierarchy.
Bytes ek_template(EkTemplate key);

}  // namespace avouch::tpm
