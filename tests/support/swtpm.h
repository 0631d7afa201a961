#pragma once

// A software TPM of the test's own: state in a temporary folder, EK certificates of a local CA, a
// Unix socket. Ends with the object, and with the thread that made it.

#include <signal.h>

#include <string>

#include "support/process.h"

namespace avouch::testing {

class Swtpm {
 public:
  enum class Certificates { kOfLocalCa, kNone };

  // Throws std::runtime_error, with what swtpm said, where it cannot be made or does not answer.
  explicit Swtpm(Certificates certificates = Certificates::kOfLocalCa);
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  std::string tcti() const { return "swtpm:path=" + socket(); }
  // The same TPM through a TCTI that can be polled, as that of a kernel's device can.
  std::string polled_tcti() const { return "cmd:socat - UNIX-CONNECT:" + socket(); }
  std::string socket() const { return dir_ / "sock"; }  // takes commands, gives answers
  std::string ca_pem() const;

  // Power off without warning, and on again: a TPM reset.
  void power_cycle() {
    stop(SIGTERM);
    start();
  }
  void stop(int signal);
  void start();  // gives back when the TPM has answered a command
  // SIGSTOP: a TPM that hangs; SIGCONT: it goes on.
  void signal(int number) { process_.signal(number); }

  // Both stopped: from its next start on this one is the other.
  void take_state_of(const Swtpm& other) const;

  // Runs a tpm2-tools command against this TPM.
  void tool(const std::string& command);

 private:
  void must(const std::string& command);
  std::string log() const { return dir_ / "log"; }

  TempDir dir_;
  ChildProcess process_;
};

}  // namespace avouch::testing
