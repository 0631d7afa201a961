// A real (software) TPM behind ESAPI keeps the contract that the tests' own one is held to.

#include "adapters/esapi_device.h"
#include "contract/tpm/device_contract.h"
#include "support/swtpm.h"

namespace avouch::tpm {
namespace {

class Real final : public DeviceUnderTest {
 public:
  Device& device() override { return device_; }
  void extend(unsigned index, const Bytes& sha256) override {
    tpm_.tool("tpm2_pcrextend " + std::to_string(index) + ":sha256=" + to_hex(sha256));
  }
  void reset() override { tpm_.power_cycle(); }
  void lose() override { tpm_.stop(SIGKILL); }
  void find() override { tpm_.start(); }
  WrappedKey key_of_another_tpm() override {
    testing::Swtpm other{testing::Swtpm::Certificates::kNone};
    return adapters::EsapiDevice(other.tcti()).create_attestation_key().value();
  }

 private:
  testing::Swtpm tpm_;
  adapters::EsapiDevice device_{tpm_.tcti()};
};

}  // namespace

DeviceUnderTest& device_under_test() {
  static Real tpm;
  return tpm;
}

}  // namespace avouch::tpm
