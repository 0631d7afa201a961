#include "crypto/roca.h"

#include <array>
#include <bitset>
#include <cstddef>

namespace avouch::crypto {
namespace {

constexpr std::array kPrimes = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
using Residues = std::bitset<168>;
using Table = std::array<Residues, kPrimes.size()>;

Table powers_of_65537() {
  Table table;
  for (std::size_t i = 0; i < kPrimes.size(); ++i) {
    const int prime = kPrimes[i];
    int power = 1;
    do {
      table[i].set(static_cast<std::size_t>(power));
      power = power * (65537 % prime) % prime;
    } while (power != 1);
  }
  return table;
}

}  // namespace

bool has_roca_fingerprint(const BIGNUM* modulus) {
  static const Table table = powers_of_65537();
  for (std::size_t i = 0; i < kPrimes.size(); ++i) {
    const BN_ULONG residue = BN_mod_word(modulus, static_cast<BN_ULONG>(kPrimes[i]));
    if (residue >= table[i].size() || !table[i].test(residue)) return false;
  }
  return true;
}

}  // namespace avouch::crypto
