#include "support/swtpm.h"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "support/unix_socket.h"

namespace avouch::testing {
namespace {

using std::chrono::milliseconds;

// Whether a TPM behind this socket answers TPM2_GetTestResult within `patience`.
bool answers(const std::string& path, milliseconds patience) {
  static const std::string kCommand("\x80\x01\0\0\0\x0a\0\0\x01\x7c", 10);
  const UnixSocket tpm;
  const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
  std::array<unsigned char, 10> header{};
  return setsockopt(tpm.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
         tpm.connect(path) && tpm.send(kCommand) &&
         recv(tpm.fd(), header.data(), header.size(), MSG_WAITALL) == ssize_t{header.size()} &&
         header[0] == 0x80;
}

}  // namespace

Swtpm::Swtpm(Certificates certificates) {
  const std::string& dir = dir_.path();
  write_text(dir_ / "localca.conf", "statedir = " + dir + "/ca\nsigningkey = " + dir +
                                        "/ca/signkey.pem\nissuercert = " + dir +
                                        "/ca/issuer.pem\ncertserial = " + dir + "/ca/serial\n");
  write_text(dir_ / "localca.options",
             "--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version 2\n");
  write_text(dir_ / "setup.conf",
             "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = " + dir +
                 "/localca.conf\ncreate_certs_tool_options = " + dir + "/localca.options\n");
  std::filesystem::create_directories(dir_ / "ca");
  std::filesystem::create_directories(dir_ / "state");
  must("swtpm_setup --tpm2 --tpm-state " + dir + "/state --runas root --config " + dir +
       "/setup.conf --ecc --pcr-banks sha1,sha256 --overwrite" +
       (certificates == Certificates::kNone ? "" : " --create-ek-cert --lock-nvram"));
  start();
}

std::string Swtpm::ca_pem() const {
  return read_text(dir_ / "ca/swtpm-localca-rootca-cert.pem") + read_text(dir_ / "ca/issuer.pem");
}

void Swtpm::stop(int signal) {
  signal == SIGKILL ? process_.kill() : process_.stop();
  std::filesystem::remove(socket());
  std::filesystem::remove(socket() + ".ctrl");
}

void Swtpm::start() {
  auto started = ChildProcess::start(
      {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + (dir_ / "state"), "--server",
       "type=unixio,path=" + socket(), "--ctrl", "type=unixio,path=" + socket() + ".ctrl",
       "--flags", "not-need-init,startup-clear"},
      log());
  if (!started.has_value()) throw std::runtime_error(started.error().message);
  process_ = std::move(*started);
  // Its sockets are files before anybody listens at them, and the TPM tests itself first.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() > 0 && answers(socket(), left)) return;
    if (left.count() <= 0 || !process_.running()) {
      throw std::runtime_error("swtpm did not start: " + read_text(log()));
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
}

void Swtpm::take_state_of(const Swtpm& other) const {
  std::filesystem::remove_all(dir_ / "state");
  std::filesystem::copy(other.dir_ / "state", dir_ / "state");
}

void Swtpm::tool(const std::string& command) {
  must("TPM2TOOLS_TCTI=" + tcti() + " TSS2_LOG=all+NONE " + command);
}

void Swtpm::must(const std::string& command) {
  if (std::system((command + " >>" + log() + " 2>&1").c_str()) != 0) {
    throw std::runtime_error("failed: " + command + "\n" + read_text(log()));
  }
}

}  // namespace avouch::testing
