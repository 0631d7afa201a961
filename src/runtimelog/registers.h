#pragma once

// Where each bank's PCR 10 lies in a ReplayState. Private to runtimelog/.

#include <array>
#include <cstdint>
#include <span>

#include "crypto/hash.h"

namespace avouch::runtimelog {

inline constexpr std::array kBanks = {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256,
                                      crypto::HashAlgorithm::kSha384,
                                      crypto::HashAlgorithm::kSha512};
inline constexpr std::array<std::size_t, 4> kBankSize = {20, 32, 48, 64};
inline constexpr std::array<std::size_t, 4> kOwnAt = {0, 20, 52, 100};
inline constexpr std::array<std::size_t, 4> kPaddedAt = {0, 0, 32, 80};  // [0]: there is none

constexpr std::size_t bank_index(crypto::HashAlgorithm bank) {
  return static_cast<std::size_t>(bank);
}
constexpr std::uint8_t bank_bit(crypto::HashAlgorithm bank) {
  return static_cast<std::uint8_t>(1U << bank_index(bank));
}

}  // namespace avouch::runtimelog
