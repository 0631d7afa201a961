#pragma once

// A real TPM with faults: hands commands on to a software TPM, unless the test has it answer
// something else.

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "support/process.h"

namespace avouch::testing {

class TpmBridge {
 public:
  // The response code that the TPM gives to a command instead of carrying it out; nothing: it is
  // carried out. Called with TPM_CC, in the bridge's thread.
  using Fault = std::function<std::optional<std::uint32_t>(std::uint32_t command)>;

  // `tpm_socket`: Swtpm::socket(). Throws std::runtime_error where it cannot listen.
  explicit TpmBridge(std::string tpm_socket);
  ~TpmBridge();
  TpmBridge(const TpmBridge&) = delete;
  TpmBridge& operator=(const TpmBridge&) = delete;

  // Can be polled, as that of a kernel's device can.
  std::string tcti() const { return "cmd:socat - UNIX-CONNECT:" + (dir_ / "sock"); }
  void set_fault(Fault fault);  // for every command from now on

 private:
  void serve();
  void serve_one(int accepted);
  bool read_message(int fd, std::string& message);
  bool wait_for(int fd);
  std::optional<std::uint32_t> fault_for(std::uint32_t command);

  const TempDir dir_;
  const std::string tpm_socket_;
  int listener_ = -1;
  std::array<int, 2> end_{};  // a pipe: written to at the end
  std::mutex mutex_;
  Fault fault_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace avouch::testing
