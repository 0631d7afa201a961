// Serves a log on files for other people's load generators and checkers: tlog-tiles below /log/,
// and POST /log/add, which takes a body as an entry and answers its index in decimal digits as soon
// as it is sequenced. Anybody may add, which is why no program of the product can do that.
// tests/interop/tessera.sh uses it.
//
//   log_server_bench --dir DIR [--listen ADDRESS:PORT] [--origin ORIGIN] [--cadence MS]
//
// Prints the log's vkey and its URL, a line each, and serves until SIGTERM or SIGINT.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "adapters/log_files.h"
#include "adapters/system_clock.h"
#include "adapters/termination.h"
#include "control/log_handler.h"
#include "crypto/keys.h"
#include "tlog/log.h"

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

class Handler final : public HttpHandler {
 public:
  Handler(tlog::Log& log, tlog::TileReader& tiles) : log_(log), tiles_(tiles) {}

  Result<BodyPlan> plan(const HttpRequest& head) override {
    if (!is_add(head)) return tiles_.plan(head);
    BodyPlan plan;
    plan.limit = kMaxEntry;
    return plan;
  }
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override {
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

  tlog::Log& log_;
  control::TileHandler tiles_;
};

}  // namespace

int main(int argc, char** argv) try {
  const adapters::Termination termination;
  std::string listen = "127.0.0.1:0", dir, origin = "log.example.org/load";
  std::uint64_t cadence = 1000;
  CLI::App app{"Serves a log that anybody may add to, for load generators."};
  app.add_option("--dir", dir, "Folder of the log; made if it is missing")->required();
  app.add_option("--listen", listen, "ADDRESS:PORT")->capture_default_str();
  app.add_option("--origin", origin, "Origin of the log")->capture_default_str();
  app.add_option("--cadence", cadence, "Milliseconds until an entry is published at the latest")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
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
  Handler handler(*log, *store);
  adapters::HttpServerOptions serving;
  serving.listen = listen;
  const auto server = must(adapters::HttpServer::start(std::move(serving), handler));
  std::printf("%s\nhttp://%s/log/\n", tlog::format_vkey(signer.verifier()).c_str(),
              server->address().c_str());
  std::fflush(stdout);
  termination.wait();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "log_server_bench: %s\n", error.what());
  return 1;
}
