#pragma once

// A controller as a process, with its data and its configuration in a folder; and its log, as
// anybody reads it.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inspect/release.h"
#include "integration/operator/running.h"
#include "support/process.h"
#include "tlog/store.h"

namespace avouch::testing {

class ControllerTiles final : public tlog::TileReader {
 public:
  // `prefix`: "/log/" or "/log/witnessed/".
  explicit ControllerTiles(std::string address, std::string prefix = "/log/")
      : address_(std::move(address)), prefix_(std::move(prefix)) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    const std::string answer =
        ask(address_, "GET " + prefix_ + std::string(path) + " HTTP/1.1\r\n");
    if (answer.starts_with("HTTP/1.1 404")) return std::optional<Bytes>();
    if (!answer.starts_with("HTTP/1.1 200")) return retryable(answer);
    return std::optional(to_bytes(body_of(answer)));
  }

 private:
  const std::string address_, prefix_;
};

class ControllerProcess {
 public:
  // The folder is made where there is none.
  ControllerProcess(inspect::ReleaseName release, std::string folder)
      : release_(std::move(release)), folder_(std::move(folder)) {
    std::filesystem::create_directories(data());
    std::filesystem::permissions(data(), std::filesystem::perms::owner_all);
  }

  const inspect::ReleaseName& release() const { return release_; }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string data() const { return file("data"); }

  // `of_log`: more of the configuration's section `log`, such as "registration: {}". `more`: lines
  // with further sections.
  void configure(const std::string& of_log, const std::string& more = "") const {
    write_text(file("config.yaml"),
               "release: {name: " + release_.name + ", namespace: " + release_.ns +
                   "}\nlisten: 127.0.0.1:0\nhealth: 127.0.0.1:0\ndataDir: " + data() +
                   "\nlog: {cadence: 1s" + (of_log.empty() ? "" : ", " + of_log) + "}\n" +
                   kPatientLeases + more);
  }
  // `settings`: options of env(1).
  void launch(const std::string& kubeconfig, const std::vector<std::string>& settings = {}) {
    const std::string number = std::to_string(++starts_);
    log_file_ = file("log" + number);
    std::vector<std::string> command{"/usr/bin/env"};
    command.insert(command.end(), settings.begin(), settings.end());
    command.insert(command.end(), {"POD_NAME=controller", "POD_UID=uid" + number, AVOUCH_OPERATOR,
                                   "--config", file("config.yaml"), "--kubeconfig", kubeconfig});
    process_ = ChildProcess::start(command, log_file_).value();
  }
  void await_ready() {
    ASSERT_TRUE(eventually([&] { return is_ready() || !process_.running(); })) << log();
    ASSERT_TRUE(process_.running()) << log();
  }
  void stop() {
    process_.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return !process_.running(); })) << log();
  }

  pid_t pid() const { return process_.pid(); }
  std::string log() const { return read_text(log_file_); }  // since it was started last
  // Where it serves, "127.0.0.1:40001".
  std::string address() const { return serving_address(log(), "server"); }
  std::string health(const std::string& path) const {
    return get(serving_address(log(), "health"), path);
  }
  bool is_ready() const { return health("/readyz").starts_with("HTTP/1.1 200"); }
  // The value of a metric; "" while there is none.
  std::string metric(const std::string& name) const {
    const std::string text = health("/metrics");
    const std::size_t begin = text.find("\n" + name + " ");
    if (begin == std::string::npos) return "";
    const std::size_t value = begin + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  // The answer to a request, whose head ends in a line.
  std::string send(const std::string& head, const std::string& body = "") const {
    return ask(address(), head, body);
  }

 private:
  const inspect::ReleaseName release_;
  const std::string folder_;
  ChildProcess process_;
  std::string log_file_;
  int starts_ = 0;
};

}  // namespace avouch::testing
