#pragma once

// TPM2_MakeCredential in software (TPM 2.0 Part 1, 24 and annexes B.10, C.6): what proves that two
// keys live in one TPM without asking a TPM.

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/random.h"
#include "tpm/types.h"

namespace avouch::tpm {

struct Credential {
  Bytes blob;              // TPM2B_ID_OBJECT, with its size
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET, with its size
};

// Encrypts `secret` so that only the TPM that holds both `ek`'s private part and an object named
// `object_name` gives it back. `ek` is a restricted decryption key (RSA, P-256 or P-384) with
// AES-128 or AES-256 in CFB mode; `secret` has at most as many bytes as ek's name hash. `random`
// gives the seed of an RSA EK; OAEP padding and ephemeral ECC keys are of the crypto library.
Result<Credential> make_credential(const Public& ek, ByteView object_name, ByteView secret,
                                   crypto::Random& random);

// The key derivation functions of TPM 2.0 Part 1, 11.4.10. `label` is without its terminating zero
// byte, which both add. `bits` is a multiple of 8.
Bytes kdf_a(crypto::HashAlgorithm hash, ByteView key, std::string_view label, ByteView context_u,
            ByteView context_v, unsigned bits);
Bytes kdf_e(crypto::HashAlgorithm hash, ByteView shared_x, std::string_view label,
            ByteView party_u_x, ByteView party_v_x, unsigned bits);

// The opposite of the inner part, given the seed: kRejected where the HMAC does not fit. Tests and
// tools use it; a TPM does the same inside TPM2_ActivateCredential.
Result<Bytes> open_credential(const Public& ek, ByteView object_name, ByteView seed,
                              ByteView tpm2b_id_object);

}  // namespace avouch::tpm
