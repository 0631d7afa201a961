#pragma once

// A node with its own TPM and what the verifier knows of it, for tests of quotes and verdicts.

#include <optional>
#include <string>
#include <vector>

#include "attest/appraisal.h"
#include "attest/quote.h"
#include "tests/support/software_tpm.h"

namespace avouch::attest {

inline const SystemTime kNow{std::chrono::seconds(1'800'000'000)};
inline constexpr std::uint32_t kUsualMask = 0x0047ff;  // PCR 0 to 10, and 14
inline constexpr tpm::SigningScheme kEcdsaSha256{crypto::SignatureScheme::kEcdsa,
                                                 crypto::HashAlgorithm::kSha256};

struct Presented {
  UnverifiedQuote quote;
  tpm::PcrValues pcrs;
};

class TestNode {
 public:
  explicit TestNode(crypto::KeyType ak_type = crypto::KeyType::kEcP256,
                    const tpm::SigningScheme& scheme = kEcdsaSha256)
      : ak(tpm.make_key(ak_type, scheme)), keys_(keys_of(tpm, ak)) {
    for (unsigned index = 0; index < 16; ++index) {
      tpm.extend_event(index, as_bytes("event " + std::to_string(index)));
    }
    publish(42, kNow - std::chrono::seconds(5));
    need = {{"production", {{crypto::HashAlgorithm::kSha256, 0x0000ff}}}};
  }

  static NodeKeys keys_of(const testing::SoftwareTpm& device, const tpm::WrappedKey& key) {
    auto checked = check_keys({{}, device.ek_public(), key.public_area});
    testing::must(checked.has_value(), checked.has_value() ? "" : checked.reason().message);
    return std::move(checked).value();
  }

  void publish(std::uint64_t size, SystemTime at, const std::string& origin = "log") {
    beacons.add({origin, size, note(size, origin), at});
  }
  static std::string note(std::uint64_t size, const std::string& origin = "log") {
    return origin + "\n" + std::to_string(size) + "\nroot\n";
  }

  Bytes answer(std::uint64_t size = 42, const std::string& node_uid = "node-1",
               const std::string& origin = "log") const {
    const crypto::Sha256 value = qualifying(challenge(note(size, origin), node_uid));
    return {value.begin(), value.end()};
  }

  testing::AttestFields fields() { return tpm.quote_fields(ak, answer(), selection); }

  // What an honest agent presents.
  Presented present() { return present(fields()); }
  // What an agent presents that got the TPM (or anything else with the AK) to sign `fields`.
  Presented present(const testing::AttestFields& fields) {
    return present_message(testing::attest_bytes(fields));
  }
  Presented present_message(Bytes message) {
    const auto signed_quote = testing::must_value(tpm.sign_message(ak, std::move(message)));
    // Of a bank that is not active there are no values to present.
    const auto pcrs = tpm.read_pcrs(selection);
    return {{signed_quote.message, signed_quote.signature, {"log", 42}},
            pcrs.has_value() ? *pcrs : tpm::PcrValues{}};
  }

  QuoteContext context() const {
    return {keys_, "node-1", beacons,          std::chrono::minutes(5),
            need,  previous, allowed_firmware, now};
  }

  Checked<VerifiedQuote> verify(const Presented& presented) const {
    return verify_quote(presented.quote, presented.pcrs, context());
  }
  // The code of the refusal; empty where the quote is accepted.
  std::string code(const Presented& presented) const {
    const auto verified = verify(presented);
    return verified.has_value() ? "" : verified.reason().code;
  }

  testing::SoftwareTpm tpm;
  tpm::WrappedKey ak;
  tpm::PcrSelection selection = {{crypto::HashAlgorithm::kSha256, kUsualMask}};
  BeaconWindow beacons;
  std::vector<QuoteNeed> need;
  std::optional<TpmState> previous;
  std::vector<std::uint64_t> allowed_firmware;
  SystemTime now = kNow;

  const NodeKeys& keys() const { return keys_; }

 private:
  NodeKeys keys_;
};

}  // namespace avouch::attest
