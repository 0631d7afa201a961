// Proof that an attestation key lives in the TPM of an endorsement key.

#include "attest/counted.h"
#include "attest/enrolment.h"
#include "base/hex.h"
#include "crypto/hash.h"

namespace avouch::attest {
namespace {

Reason failed(std::string message) { return refuse(code::kActivationFailed, std::move(message)); }

}  // namespace

Result<ActivationChallenge> make_activation_challenge(const NodeKeys& keys,
                                                      std::string_view node_uid,
                                                      crypto::Random& random, SystemTime now) {
  ActivationChallenge out;
  out.id = to_hex(crypto::random_bytes(random, 16));
  out.node_uid = node_uid;
  out.ek_digest = keys.ek_digest;
  out.ak_name = keys.ak.name;
  out.secret = crypto::random_bytes(random, 32);
  out.made_at = now;
  AVOUCH_TRY(out.credential, tpm::make_credential(keys.ek, out.ak_name, out.secret, random));
  return out;
}

Bytes activation_proof(ByteView secret, std::string_view node_uid, std::string_view challenge_id,
                       ByteView ak_name) {
  Bytes input = to_bytes("avouch/activation/v1\n");
  append_counted(input, node_uid);
  append_counted(input, challenge_id);
  append(input, ak_name);
  const crypto::Sha256 proof = crypto::hmac_sha256(secret, input);
  return {proof.begin(), proof.end()};
}

Checked<Enrolled> check_activation(ActivationChallenge&& challenge, const NodeKeys& keys,
                                   const ActivationAnswer& answer, SystemTime now) {
  const ActivationChallenge used = std::move(challenge);
  challenge = {};
  if (used.id.empty() || answer.challenge_id != used.id) {
    return failed(
        "the answer is for another challenge than the current one: answer the one in "
        "status.activation");
  }
  if (now < used.made_at || now - used.made_at > kActivationTime) {
    return failed("the challenge was not answered within 5 minutes: answer the next one");
  }
  if (keys.ak.name != used.ak_name || keys.ek_digest != used.ek_digest) {
    return failed(
        "identity.akPublic or ekPublic changed since the challenge was made: answer the next one");
  }
  const Bytes expected = activation_proof(used.secret, used.node_uid, used.id, used.ak_name);
  if (!crypto::constant_time_equal(answer.proof, expected)) {
    return failed(
        "the proof is wrong: the attestation key is not in the TPM of that endorsement "
        "key");
  }
  return Enrolled{used.node_uid, used.ek_digest, used.ak_name};
}

}  // namespace avouch::attest
