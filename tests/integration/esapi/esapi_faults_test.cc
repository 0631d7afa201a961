// What the ESAPI adapter makes of a real (software) TPM that hangs, or is busy in the middle of an
// operation.

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/esapi_device.h"
#include "attest/quote.h"
#include "support/swtpm.h"
#include "support/tpm_bridge.h"
#include "tpm/credential.h"
#include "tpm/marshal.h"

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;

const tpm::PcrSelection kAsked = {{crypto::HashAlgorithm::kSha256, 0xffffff}};
const Bytes kNonce(32, 0x5a);

class EsapiFaults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tpm_ = std::make_unique<testing::Swtpm>(); }
  static void TearDownTestSuite() { tpm_.reset(); }
  static std::unique_ptr<testing::Swtpm> tpm_;
};
std::unique_ptr<testing::Swtpm> EsapiFaults::tpm_;

TEST_F(EsapiFaults, GivesATpmUpThatHangsAndUsesItAgainWhenItGoesOn) {
  EsapiDevice patient(tpm_->polled_tcti());
  const auto key = patient.create_attestation_key();
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EsapiDevice device(tpm_->polled_tcti(), milliseconds(300));
  tpm_->signal(SIGSTOP);
  const auto before = std::chrono::steady_clock::now();
  const auto hung = device.quote(*key, kNonce, kAsked);
  const auto took = std::chrono::steady_clock::now() - before;
  tpm_->signal(SIGCONT);
  ASSERT_FALSE(hung.has_value());
  EXPECT_EQ(hung.error().kind, ErrorKind::kRetryable) << hung.error().message;
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LT(took, std::chrono::seconds(60));
  const auto quote = patient.quote(*key, kNonce, kAsked);
  EXPECT_TRUE(quote.has_value()) << quote.error().message;
}

// An operation of the device; kRejected where its outcome is not what it is without faults.
struct Operation {
  const char* name;
  std::function<Result<void>(EsapiDevice&)> run;
};

Result<void> as_expected(bool is) {
  return is ? Result<void>{} : rejected("another outcome than without faults");
}

class BusyTpm : public EsapiFaults {
 protected:
  void SetUp() override {
    EsapiDevice plain(tpm_->tcti());
    const auto key = plain.create_attestation_key();
    const auto endorsement = plain.endorsement();
    ASSERT_TRUE(key.has_value() && endorsement.has_value());
    const auto ek = tpm::parse_public(endorsement->ek_public);
    const auto ak = tpm::parse_public(key->public_area);
    ASSERT_TRUE(ek.has_value() && ak.has_value());
    const auto credential = tpm::make_credential(*ek, ak->name, kNonce, crypto::system_random());
    ASSERT_TRUE(credential.has_value());
    operations = {
        {"state",
         [](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const tpm::DeviceState state, device.state());
           return as_expected(state.manufacturer == "IBM" && state.active_banks.size() == 2);
         }},
        {"endorsement",
         [expected = *endorsement](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const tpm::Endorsement got, device.endorsement());
           return as_expected(got.ek_public == expected.ek_public &&
                              got.ek_certificates == expected.ek_certificates);
         }},
        {"create_attestation_key",
         [](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const tpm::WrappedKey made, device.create_attestation_key());
           return as_expected(tpm::parse_public(made.public_area).has_value());
         }},
        {"activate",
         [ak = *key, credential = *credential](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const Bytes secret,
                      device.activate(ak, credential.blob, credential.encrypted_secret));
           return as_expected(secret == kNonce);
         }},
        {"quote",
         [ak = *key](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const tpm::SignedQuote quote, device.quote(ak, kNonce, kAsked));
           AVOUCH_TRY(const tpm::Attest attest, tpm::parse_attest(quote.message));
           return as_expected(attest.extra_data == kNonce);
         }},
        {"read_pcrs",
         [](EsapiDevice& device) -> Result<void> {
           AVOUCH_TRY(const tpm::PcrValues values, device.read_pcrs(kAsked));
           return as_expected(values.size() == 24);
         }},
    };
  }

  // Commands that the TPM has been given so far; those from `busy_from` on it refuses as busy, but
  // for what cleans up.
  struct Count {
    std::atomic<int> commands = 0;
    std::atomic<int> refused = 0;
  };
  static std::shared_ptr<Count> make_busy(testing::TpmBridge& bridge, std::uint32_t code,
                                          int busy_from, int refusals) {
    auto count = std::make_shared<Count>();
    bridge.set_fault([=](std::uint32_t command) -> std::optional<std::uint32_t> {
      if (command == TPM2_CC_FlushContext) return std::nullopt;
      const bool busy = ++count->commands > busy_from && count->refused < refusals;
      if (!busy) return std::nullopt;
      ++count->refused;
      return code;
    });
    return count;
  }
  static void expect_nothing_left() {
    tpm_->tool("tpm2_getcap handles-transient | (! grep -q .)");
    tpm_->tool("tpm2_getcap handles-loaded-session | (! grep -q .)");
  }

  // What a busy TPM says; each command meets one of them.
  static std::uint32_t code_at(int n) {
    constexpr std::array<std::uint32_t, 3> kCodes = {TPM2_RC_RETRY, TPM2_RC_YIELDED,
                                                     TPM2_RC_TESTING};
    return kCodes.at(static_cast<std::size_t>(n) % kCodes.size());
  }

  static constexpr int kForever = 1 << 30;
  std::vector<Operation> operations;
};

TEST_F(BusyTpm, ForAMomentIsAskedAgainAtEachCommand) {
  testing::TpmBridge bridge(tpm_->socket());
  for (const Operation& operation : operations) {
    int n = 0;
    for (;; ++n) {
      SCOPED_TRACE(std::string(operation.name) + ", busy at command " + std::to_string(n));
      EsapiDevice device(bridge.tcti());
      const auto count = make_busy(bridge, code_at(n), n, 1);
      const auto outcome = operation.run(device);
      ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
      if (count->refused == 0) break;
    }
    EXPECT_GT(n, 0) << operation.name << " gave the TPM no command";
  }
  expect_nothing_left();
}

TEST_F(BusyTpm, ForLongIsRetryableAtEachCommandAndLosesNothing) {
  testing::TpmBridge bridge(tpm_->socket());
  for (const Operation& operation : operations) {
    int n = 0;
    for (;; ++n) {
      SCOPED_TRACE(std::string(operation.name) + ", busy from command " + std::to_string(n));
      EsapiDevice device(bridge.tcti());
      const auto count = make_busy(bridge, code_at(n), n, kForever);
      const auto outcome = operation.run(device);
      if (count->refused == 0) {
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
        break;
      }
      ASSERT_FALSE(outcome.has_value());
      EXPECT_EQ(outcome.error().kind, ErrorKind::kRetryable) << outcome.error().message;
      // The same device, once the TPM has time again.
      bridge.set_fault(nullptr);
      const auto later = operation.run(device);
      ASSERT_TRUE(later.has_value()) << later.error().message;
    }
    EXPECT_GT(n, 0) << operation.name << " gave the TPM no command";
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace avouch::adapters
