// The TPM in memory keeps the contract of a real one.

#include "support/software_tpm.h"

#include "contract/tpm/device_contract.h"

namespace avouch::tpm {
namespace {

class InMemory final : public DeviceUnderTest {
 public:
  InMemory() { tpm_.ek_certificates = {{0x30, 0x00}}; }
  Device& device() override { return tpm_; }
  void extend(unsigned index, const Bytes& sha256) override {
    tpm_.extend(index, crypto::HashAlgorithm::kSha256, sha256);
  }
  void reset() override { tpm_.power_cycle(); }
  void lose() override {
    tpm_.fault = [](std::string_view call) { return retryable(std::string(call) + ": lost"); };
  }
  void find() override { tpm_.fault = nullptr; }
  WrappedKey key_of_another_tpm() override {
    return testing::must_value(testing::SoftwareTpm().create_attestation_key());
  }

 private:
  testing::SoftwareTpm tpm_;
};

}  // namespace

DeviceUnderTest& device_under_test() {
  static InMemory tpm;
  return tpm;
}

}  // namespace avouch::tpm
