#pragma once

// A software TPM of the test's own: state in a temporary folder, EK certificates of a local CA, a
// Unix socket. Ends with the object.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace avouch::testing {

class Swtpm {
 public:
  enum class Certificates { kOfLocalCa, kNone };

  explicit Swtpm(Certificates certificates = Certificates::kOfLocalCa) {
    std::string pattern = (std::filesystem::temp_directory_path() / "avouch-swtpm-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    dir_ = pattern;
    const auto write = [&](const std::string& name, const std::string& text) {
      std::ofstream(dir_ + "/" + name) << text;
    };
    write("localca.conf", "statedir = " + dir_ + "/ca\nsigningkey = " + dir_ +
                              "/ca/signkey.pem\nissuercert = " + dir_ +
                              "/ca/issuer.pem\ncertserial = " + dir_ + "/ca/serial\n");
    write("localca.options",
          "--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version 2\n");
    write("setup.conf",
          "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = " + dir_ +
              "/localca.conf\ncreate_certs_tool_options = " + dir_ + "/localca.options\n");
    std::filesystem::create_directories(dir_ + "/ca");
    std::filesystem::create_directories(dir_ + "/state");
    must("swtpm_setup --tpm2 --tpm-state " + dir_ + "/state --runas root --config " + dir_ +
         "/setup.conf --ecc --pcr-banks sha1,sha256 --overwrite" +
         (certificates == Certificates::kNone ? "" : " --create-ek-cert --lock-nvram"));
    start();
  }
  ~Swtpm() {
    stop(SIGTERM);
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  std::string tcti() const { return "swtpm:path=" + dir_ + "/sock"; }
  std::string ca_pem() const {
    std::string out;
    for (const char* name : {"/ca/swtpm-localca-rootca-cert.pem", "/ca/issuer.pem"}) {
      std::ifstream in(dir_ + name);
      out.append(std::istreambuf_iterator<char>(in), {});
    }
    return out;
  }

  // Power off without warning, and on again: a TPM reset.
  void power_cycle() {
    stop(SIGTERM);
    start();
  }
  void stop(int signal) {
    if (pid_ <= 0) return;
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
    std::filesystem::remove(dir_ + "/sock");
    std::filesystem::remove(dir_ + "/sock.ctrl");
  }
  void start() {
    pid_ = fork();
    if (pid_ == 0) {
      if (freopen((dir_ + "/log").c_str(), "a", stderr) == nullptr) _exit(126);
      execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", ("dir=" + dir_ + "/state").c_str(),
             "--server", ("type=unixio,path=" + dir_ + "/sock").c_str(), "--ctrl",
             ("type=unixio,path=" + dir_ + "/sock.ctrl").c_str(), "--flags",
             "not-need-init,startup-clear", nullptr);
      _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!std::filesystem::exists(dir_ + "/sock") ||
           !std::filesystem::exists(dir_ + "/sock.ctrl")) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("swtpm did not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // Both stopped: from its next start on this one is the other.
  void take_state_of(const Swtpm& other) const {
    std::filesystem::remove_all(dir_ + "/state");
    std::filesystem::copy(other.dir_ + "/state", dir_ + "/state");
  }

  // Runs a tpm2-tools command against this TPM.
  void tool(const std::string& command) {
    must("TPM2TOOLS_TCTI=" + tcti() + " TSS2_LOG=all+NONE " + command);
  }

 private:
  void must(const std::string& command) {
    if (std::system((command + " >>" + dir_ + "/log 2>&1").c_str()) != 0) {
      std::ifstream in(dir_ + "/log");
      throw std::runtime_error("failed: " + command + "\n" +
                               std::string(std::istreambuf_iterator<char>(in), {}));
    }
  }

  std::string dir_;
  pid_t pid_ = -1;
};

}  // namespace avouch::testing
