// KDFa and KDFe (TPM 2.0 Part 1, 11.4.10).

#include "crypto/symmetric.h"
#include "tpm/credential.h"

namespace avouch::tpm {
namespace {

void append_label(Bytes& out, std::string_view label) {
  append(out, label);
  append_u8(out, 0);
}

template <typename Block>
Bytes fill(unsigned bits, Block block) {
  const std::size_t size = bits / 8;
  Bytes out;
  for (std::uint32_t counter = 1; out.size() < size; ++counter) append(out, block(counter));
  out.resize(size);
  return out;
}

}  // namespace

Bytes kdf_a(crypto::HashAlgorithm hash, ByteView key, std::string_view label, ByteView context_u,
            ByteView context_v, unsigned bits) {
  return fill(bits, [&](std::uint32_t counter) {
    Bytes input;
    append_be32(input, counter);
    append_label(input, label);
    append(input, context_u);
    append(input, context_v);
    append_be32(input, bits);
    return crypto::hmac(hash, key, input);
  });
}

Bytes kdf_e(crypto::HashAlgorithm hash, ByteView shared_x, std::string_view label,
            ByteView party_u_x, ByteView party_v_x, unsigned bits) {
  return fill(bits, [&](std::uint32_t counter) {
    Bytes input;
    append_be32(input, counter);
    append(input, shared_x);
    append_label(input, label);
    append(input, party_u_x);
    append(input, party_v_x);
    return crypto::hash(hash, input);
  });
}

}  // namespace avouch::tpm
