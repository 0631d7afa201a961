// Serves a log on files for other people's load generators and checkers: tlog-tiles below /log/,
// and POST /log/add, which takes a body as an entry and answers its index in decimal digits as soon
// as it is sequenced. Anybody may add, which is why no program of the product can do that.
// tests/interop/tessera.sh uses it. With --rekor-keys also POST /api/v2/log/entries, as the
// controller has it, for signatures by the public keys (PEM) of FILE: tests/interop/cosign.sh.
//
//   log_server_bench --dir DIR [--listen ADDRESS:PORT] [--origin ORIGIN] [--cadence MS]
//   [--rekor-keys FILE]
//
// Prints the log's vkey and its URL, a line each, and serves until SIGTERM or SIGINT.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "adapters/log_files.h"
#include "adapters/system_clock.h"
#include "adapters/termination.h"
#include "adapters/volume.h"
#include "config/reader.h"
#include "control/control_observer.h"
#include "control/log_handler.h"
#include "control/log_volume.h"
#include "control/rekor_handler.h"
#include "control/work_pool.h"
#include "crypto/keys.h"
#include "tlog/log.h"
#include "tlog/registration.h"
#include "tlog/rekor_answer.h"

namespace {

using namespace avouch;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kMaxEntry = 65'535;

template <typename T>
T must(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

HttpResponse answer(const Result<std::vector<tlog::Sequenced>>& places) {
  if (places.has_value()) {
    HttpResponse response;
    response.status = 200;
    response.body = std::to_string(places->front().index);
    return response;
  }
  if (places.error().kind == ErrorKind::kRejected) {
    return problem(400, "Malformed", places.error().message);
  }
  HttpResponse response = problem(503, "Overloaded", places.error().message);
  response.headers.add("Retry-After", "1");
  return response;
}

class Observer final : public control::ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view what, std::string_view message) override { say(what, message); }
  void note(std::string_view what, std::string_view message) override { say(what, message); }
  void fatal(std::string_view what, const Error& error) override { say(what, error.message); }

 private:
  static void say(std::string_view what, std::string_view message) {
    std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(), std::string(message).c_str());
  }
};

class Handler final : public HttpHandler {
 public:
  // `rekor` may be null.
  Handler(tlog::Log& log, tlog::TileReader& tiles, HttpHandler* rekor)
      : log_(log), tiles_(tiles), rekor_(rekor) {}

  Result<BodyPlan> plan(const HttpRequest& head) override {
    if (is_for_rekor(head)) return rekor_->plan(head);
    if (!is_add(head)) return tiles_.plan(head);
    BodyPlan plan;
    plan.limit = kMaxEntry;
    return plan;
  }
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override {
    if (is_for_rekor(request)) return rekor_->handle(std::move(request), std::move(sink), reply);
    if (!is_add(request)) return tiles_.handle(std::move(request), std::move(sink), reply);
    std::vector<tlog::Submission> one{{to_bytes(request.body), {}, {}}};
    log_.append(std::move(one), [reply](const Result<std::vector<tlog::Sequenced>>& places) {
      reply(answer(places));
    });
  }

 private:
  static bool is_add(const HttpRequest& request) {
    return request.method == "POST" && request.path == "/log/add";
  }

  bool is_for_rekor(const HttpRequest& request) const {
    return rekor_ != nullptr && request.path == control::kRekorPath;
  }

  tlog::Log& log_;
  control::TileHandler tiles_;
  HttpHandler* const rekor_;
};

}  // namespace

int main(int argc, char** argv) try {
  const adapters::Termination termination;
  std::string listen = "127.0.0.1:0", dir, origin = "log.example.org/load", rekor_keys;
  std::uint64_t cadence = 1000;
  CLI::App app{"Serves a log that anybody may add to, for load generators."};
  app.add_option("--dir", dir, "Folder of the log; made if it is missing")->required();
  app.add_option("--listen", listen, "ADDRESS:PORT")->capture_default_str();
  app.add_option("--origin", origin, "Origin of the log")->capture_default_str();
  app.add_option("--cadence", cadence, "Milliseconds until an entry is published at the latest")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
  app.add_option("--rekor-keys", rekor_keys, "Public keys in PEM whose signatures are taken");
  CLI11_PARSE(app, argc, argv);

  const std::filesystem::path folder = dir;
  std::filesystem::create_directories(folder);
  adapters::SystemClock clock;
  const auto store = must(adapters::open_log_files({.directory = folder / "log"}));
  const auto anchor = must(adapters::open_head_file(folder / "head"));
  const auto signer =
      must(tlog::NoteSigner::make(origin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)));
  tlog::LogOptions options;
  options.origin = origin;
  options.publish_within = std::chrono::milliseconds(cadence);
  options.on_fatal = [](const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    std::_Exit(1);
  };
  const auto log = must(tlog::Log::open(options, *store, {anchor.get()}, signer, clock));
  tlog::RegistrationPolicy policy;
  if (!rekor_keys.empty()) {
    policy.rekor_keys =
        must(crypto::PublicKey::list_from_pem(must(config::read_config_file(rekor_keys))));
  }
  const auto fine = tlog::check_policy(policy, origin);
  if (!fine.has_value()) throw std::runtime_error(fine.error().message);
  Observer observer;
  const control::LogVolume volume({.bytes = 0}, [&] { return adapters::volume_space(folder); });
  control::WorkPool lane(2, 64);
  control::RekorHandler rekor({.log = *log,
                               .volume = volume,
                               .clock = clock,
                               .policy = policy,
                               .policy_entry = 0,
                               .log_id = tlog::rekor_log_id(signer.verifier())},
                              lane, observer);
  Handler handler(*log, *store, policy.takes_hashed_rekords() ? &rekor : nullptr);
  adapters::HttpServerOptions serving;
  serving.listen = listen;
  const auto server = must(adapters::HttpServer::start(std::move(serving), handler));
  std::printf("%s\nhttp://%s/log/\n", tlog::format_vkey(signer.verifier()).c_str(),
              server->address().c_str());
  std::fflush(stdout);
  termination.wait();
  lane.stop();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "log_server_bench: %s\n", error.what());
  return 1;
}
