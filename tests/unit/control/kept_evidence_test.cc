#include "control/kept_evidence.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/vectors.h"

namespace avouch::control {
namespace {

attest::UnverifiedEvidence full() {
  attest::UnverifiedEvidence out;
  out.node_uid = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
  out.quote = attest::UnverifiedQuote{Bytes{1, 2, 3}, Bytes{4, 5}, {"log origin", 1U << 31U}};
  out.pcrs = testing::corpus_pcrs();
  out.boot_log = {crypto::sha256("boot log"), 17};
  out.runtime_log = {std::numeric_limits<std::uint64_t>::max(), crypto::sha256("runtime"),
                     std::numeric_limits<std::uint64_t>::max() - 1};
  out.agent = {"1.0", "STM", "7.2.1.0"};
  return out;
}

TEST(KeptEvidence, GivesBackAllButIdentityAndActivation) {
  attest::UnverifiedEvidence evidence = full();
  attest::UnverifiedEvidence sent = evidence;
  sent.identity = attest::UnverifiedIdentity{{Bytes{1}}, Bytes{2}, Bytes{3}};
  sent.activation = attest::ActivationAnswer{"id", Bytes(32, 1)};
  const KeptEvidence kept(sent, "origin\n7\nroot\n");
  EXPECT_EQ(kept.evidence(), evidence);
  EXPECT_EQ(kept.beacon_text(), "origin\n7\nroot\n");
}

TEST(KeptEvidence, KeepsWhatIsNotThereApartFromWhatIsEmpty) {
  attest::UnverifiedEvidence evidence;
  EXPECT_EQ(KeptEvidence(evidence, "").evidence(), evidence);
  evidence = full();
  evidence.boot_log.reset();
  EXPECT_EQ(KeptEvidence(evidence, "").evidence(), evidence);
  evidence.boot_log = attest::BootLogReference{};
  evidence.runtime_log.reset();
  evidence.pcrs.clear();
  EXPECT_EQ(KeptEvidence(evidence, "").evidence(), evidence);
}

}  // namespace
}  // namespace avouch::control
