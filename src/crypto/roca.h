#pragma once

#include <openssl/bn.h>

namespace avouch::crypto {

// True if an RSA modulus has the fingerprint of the flawed generator of CVE-2017-15361: modulo each
// of the primes up to 167 it is a power of 65537. (M. Nemec, M. Sys, P. Svenda, D. Klinec, V.
// Matyas: "The Return of Coppersmith's Attack", ACM CCS 2017, section 5.) Every modulus of that
// generator has it, whatever its size; a sound one has it with a chance of about 2^-27.
bool has_roca_fingerprint(const BIGNUM* modulus);

}  // namespace avouch::crypto
