// What others send a witness, what a witness answers, and what users write: requests, replies, log
// policies, proofs. Besides not
// crashing: what is accepted has one spelling, and nothing is cosigned that no log signed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "tlog/log_policy.h"
#include "tlog/log_proof.h"
#include "tlog/witness.h"
#include "tlog/witness_client.h"

namespace avouch::fuzzing::witness_target {
namespace {

using namespace avouch;

void require(bool holds) {
  if (!holds) std::abort();
}

crypto::PrivateKey any_key() { return crypto::PrivateKey::generate(crypto::KeyType::kEd25519); }

class NoMemory final : public tlog::WitnessMemory {
 public:
  Result<std::optional<std::string>> latest(std::string_view /*origin*/) override {
    return std::optional<std::string>();
  }
  Result<void> replace(std::string_view /*origin*/, const std::optional<std::string>& /*expected*/,
                       std::string_view /*next*/) override {
    std::abort();  // nothing in here is signed by the log's key
  }
};

const tlog::Witness& witness() {
  static NoMemory memory;
  static const tlog::Witness one =
      tlog::Witness::make(
          tlog::Cosigner::make("witness.example", any_key()).value(),
          {{"log.example.org/avouch",
            {tlog::make_verifier("log.example.org/avouch", any_key().public_key()).value()}}},
          memory)
          .value();
  return one;
}

void try_request(std::string_view input) {
  const auto request = tlog::parse_add_checkpoint(input);
  if (request.has_value()) require(tlog::format_add_checkpoint(*request) == input);
  const int status =
      witness().add_checkpoint(input, SystemTime{std::chrono::seconds{1'800'000'000}}).status;
  require(status == 400 || status == 403 || status == 404);
}

const tlog::VerifiedCheckpoint& own_checkpoint() {
  static const tlog::VerifiedCheckpoint one = [] {
    const auto signer = tlog::NoteSigner::make("log.example.org/avouch", any_key()).value();
    const std::string text =
        tlog::format_checkpoint({signer.verifier().name, 20, tlog::Hash{}, {}}).value();
    const std::string note = tlog::sign_note(text, std::span(&signer, 1)).value();
    return tlog::verify_checkpoint(note, std::span(&signer.verifier(), 1), signer.verifier().name)
        .value();
  }();
  return one;
}

// What a witness of ours answers.
void try_reply(std::string_view input) {
  constexpr std::uint64_t kNewest = 40;
  static const tlog::CosignerKey key =
      tlog::make_cosigner_key("witness.example", any_key().public_key()).value();
  using Kind = tlog::WitnessOutcome::Kind;
  for (const int status : {200, 404, 409, 422}) {
    for (const char* type : {"text/plain", "text/x.tlog.size"}) {
      tlog::WitnessProgress progress(key);
      const auto outcome =
          progress.take(own_checkpoint(), {status, type, std::string(input)}, kNewest);
      require(outcome.kind != Kind::kCosigned && outcome.kind != Kind::kContradicts);
      require(outcome.kind != Kind::kAhead || status == 409);
      require(progress.size() <= kNewest && !outcome.why.empty());
    }
  }
}

void try_policy(std::string_view input) {
  const auto policy = tlog::LogPolicy::parse(input);
  if (!policy.has_value()) return;
  require(policy->is_met({}) != policy->needs_witnesses());
  std::vector<tlog::Cosignature> all;
  for (const auto& key : policy->cosigner_keys()) all.push_back({key.name, key.key_id, 1});
  require(policy->is_met(all));
}

void try_proof(std::string_view input) {
  const auto proof = tlog::parse_log_proof(input);
  if (proof.has_value()) require(tlog::format_log_proof(*proof) == input);
}

}  // namespace

AVOUCH_FUZZ_TARGET("witness_fuzz") {
  const std::string_view input = avouch::as_text({data, size});
  try_request(input);
  try_reply(input);
  try_policy(input);
  try_proof(input);
  return 0;
}

}  // namespace avouch::fuzzing::witness_target
