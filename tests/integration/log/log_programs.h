#pragma once

// `avouch-log` as processes, a witness, a monitor or a log, each with all its files in a folder of
// its own.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "crypto/hash.h"
#include "support/eventually.h"
#include "support/http_client.h"
#include "support/process.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"

namespace avouch::testing {

class LogProgram {
 public:
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string log() const { return read_text(file("log")); }
  ChildProcess& process() { return process_; }
  const std::string& health() const { return health_; }  // address, once it has started

  // What `look` gives once it gives something; "" where it never does.
  template <typename Look>
  static std::string wait_for(Look look) {
    std::string found;
    eventually([&] {
      found = look();
      return !found.empty();
    });
    return found;
  }
  std::string metrics() const {
    const auto answer = HttpClient(health_).send("GET", "/metrics");
    return answer.has_value() ? answer->body : "";
  }
  // Waits for metrics that have the text, and for readiness to say this; "" where they never do.
  std::string metrics_with(const std::string& text) const {
    return wait_for([&] {
      const std::string all = metrics();
      return all.find(text) == std::string::npos ? "" : all;
    });
  }
  std::string ready_with(int status, const std::string& words) const {
    return wait_for([&] {
      const auto answer = HttpClient(health_).send("GET", "/readyz");
      const bool good = answer.has_value() && answer->status == status &&
                        answer->body.find(words) != std::string::npos;
      return good ? answer->body : "";
    });
  }

  // Runs a subcommand of the program to its end, or the program itself; its output, and whether it
  // succeeded.
  std::pair<bool, std::string> command(const std::string& subcommand = "") const {
    const std::string out = file("command");
    std::filesystem::remove(out);
    const std::string line = std::string("timeout 60 '") + AVOUCH_LOG + "' " + subcommand_ + " " +
                             subcommand + " --config '" + config_file() + "' >'" + out + "' 2>&1";
    const bool good = run_command({"sh", "-c", line}).has_value();
    return {good, read_text(out)};
  }

 protected:
  // The folder is made where there is none.
  LogProgram(std::string folder, std::string subcommand)
      : folder_(std::move(folder)), subcommand_(std::move(subcommand)) {
    std::filesystem::create_directories(folder_);
  }

  std::string config_file() const { return file(subcommand_ + ".yaml"); }
  // Starts it, or starts it again, and waits until it says `message`, with where its health is.
  void start_until(const std::string& message) {
    process_.stop();
    const std::size_t before = log().size();
    process_ =
        ChildProcess::start({AVOUCH_LOG, subcommand_, "--config", config_file()}, file("log"))
            .value();
    eventually([&] {
      said_ = log().substr(before);
      health_ = said(message, "health");
      return !health_.empty() || !process_.running();
    });
    ASSERT_NE(health_, "") << said_;
  }
  // The value of a field of a line that it has said since it started; "" where there is none.
  std::string said(const std::string& message, const std::string& field) const {
    const std::size_t line = said_.find("msg=\"" + message + "\"");
    if (line == std::string::npos) return "";
    const std::string name = " " + field + "=\"";
    const std::size_t at = said_.find(name, line);
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size();
    const std::size_t end = said_.find('"', begin);
    return end == std::string::npos ? "" : said_.substr(begin, end - begin);
  }

 private:
  std::string folder_, subcommand_;
  ChildProcess process_;
  std::string said_, health_;
};

class WitnessProgram final : public LogProgram {
 public:
  static constexpr const char* kWideLimits =
      "limits: {log: {burst: 1000000}, network: {burst: 1000000}}\n";

  // `name`: of its key.
  WitnessProgram(std::string folder, std::string name)
      : LogProgram(std::move(folder), "witness"), name_(std::move(name)) {}

  void configure(const std::vector<tlog::NoteVerifier>& logs,
                 const std::string& more = kWideLimits) const {
    std::string policy;
    for (const auto& log : logs) policy += "log " + tlog::format_vkey(log) + "\n";
    write_text(file("policy"), policy + "quorum none\n");
    write_text(config_file(),
               "name: " + name_ +
                   "\nlisten: \"127.0.0.1:0\"\nhealth: \"127.0.0.1:0\"\nkey: " + file("key") +
                   "\nstateDir: " + file("state") + "\npolicy: " + file("policy") + "\n" + more);
  }
  void keygen() {
    const auto [good, output] = command("keygen");
    ASSERT_TRUE(good) << output;
    vkey_ = output.substr(0, output.find('\n'));
  }
  void start() {
    start_until("serving");
    address_ = said("serving", "address");
    ASSERT_NE(address_, "") << log();
  }

  const std::string& address() const { return address_; }
  const std::string& vkey() const { return vkey_; }
  tlog::CosignerKey key() const { return tlog::parse_cosigner_vkey(vkey_).value(); }
  // Where it shows the last checkpoint of a log that it cosigned.
  static std::string path_of(const std::string& origin) {
    return "/" + to_hex(crypto::sha256(as_bytes(origin))) + "/checkpoint";
  }

 private:
  const std::string name_;
  std::string address_, vkey_;
};

class MonitorProgram final : public LogProgram {
 public:
  explicit MonitorProgram(std::string folder) : LogProgram(std::move(folder), "monitor") {}

  // `policies`: the texts of tlog-policies, the first of which is in file "policy".
  void configure(const std::vector<std::string>& policies, const std::string& authorities,
                 const std::string& more = "") const {
    std::string files;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      const std::string name = "policy" + (i == 0 ? "" : std::to_string(i));
      write_text(file(name), policies[i]);
      files += (i == 0 ? "" : ", ") + file(name);
    }
    write_text(file("authorities"), authorities);
    write_text(config_file(), "policies: [" + files + "]\nauthorities: " + file("authorities") +
                                  "\nstateDir: " + file("state") +
                                  "\nhealth: \"127.0.0.1:0\"\ninterval: 1s\n" + more);
  }
  void start() { start_until("following"); }
  // What it says where it does not start.
  std::string refusal() const {
    const auto ended =
        run_command({"timeout", "60", AVOUCH_LOG, "monitor", "--config", config_file()});
    return ended.has_value() ? "(started)" : ended.error().message;
  }

  // Where it keeps what a log has shown.
  std::string folder_of(const std::string& origin) const {
    return file("state/" + to_hex(crypto::sha256(as_bytes(origin))));
  }
  // The files of that folder that end in `extension`, such as ".misbehaviour".
  std::vector<std::filesystem::path> kept_of(const std::string& origin,
                                             const std::string& extension) const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_of(origin))) {
      if (entry.path().extension() == extension) out.push_back(entry.path());
    }
    return out;
  }
};

class LogServerProgram final : public LogProgram {
 public:
  static constexpr const char* kOrigin = "log.example.org";

  explicit LogServerProgram(std::string folder) : LogProgram(std::move(folder), "serve") {}

  // `engine`: the lines that say where the log is kept.
  void configure(const std::string& engine, const std::string& more) const {
    write_text(config_file(),
               std::string("origin: ") + kOrigin +
                   "\nlisten: \"127.0.0.1:0\"\nhealth: \"127.0.0.1:0\"\nkey: " + file("key") +
                   "\nreceiptKey: " + file("receipt-key") + "\n" + engine + more);
  }
  void keygen() {
    const auto [good, output] = command("keygen");
    ASSERT_TRUE(good) << output;
    vkey_ = output.substr(0, output.find('\n'));
  }
  void start() {
    start_until("serving");
    address_ = said("serving", "address");
    ASSERT_NE(address_, "") << log();
  }

  const std::string& address() const { return address_; }
  const std::string& vkey() const { return vkey_; }
  tlog::NoteVerifier key() const { return tlog::parse_vkey(vkey_).value(); }

 private:
  std::string address_, vkey_;
};

}  // namespace avouch::testing
