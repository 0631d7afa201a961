// Check-and-sets of a witness on real files with fsync: each a checkpoint with its proof, verified,
// cosigned, durable and answered.
//
//   witness_bench [--logs N] [--clients C] [--each E] [--http] [--dir DIR]
//
// N logs each grow E times by one entry; C clients at once send for them, each log's checkpoints in
// order. Without --http: calls of the library. With it: requests over loopback to the server that
// `avouch-log witness` runs, in this process. Making the requests is not measured.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "adapters/log_disk.h"
#include "adapters/system_clock.h"
#include "adapters/witness_files.h"
#include "control/work_pool.h"
#include "logserve/witness_handler.h"
#include "support/growing_log.h"
#include "support/http_client.h"

namespace {

using namespace avouch;  // NOLINT(google-build-using-namespace)
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::size_t logs = 64;
  std::size_t clients = 32;
  std::size_t each = 300;
  bool http = false;
  std::string dir = "/var/tmp";
};

double seconds_since(SteadyClock::time_point then) {
  return std::chrono::duration<double>(SteadyClock::now() - then).count();
}

template <typename T>
T must(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

// What one fsync after another takes on this disk.
void show_disk(const std::filesystem::path& directory) {
  const auto path = directory / "fsync";
  const adapters::FileHandle file = must(adapters::open_file(path, O_RDWR | O_CREAT, 0600));
  constexpr int kTimes = 500;
  const Bytes bytes(600, 'x');
  const auto begun = SteadyClock::now();
  for (int i = 0; i < kTimes; ++i) {
    if (!adapters::write_at(file.get(), static_cast<std::uint64_t>(i) * bytes.size(), bytes, path)
             .has_value() ||
        !adapters::sync_file(file.get(), path).has_value()) {
      throw std::runtime_error("fsync fails");
    }
  }
  std::printf("the disk: %.0f appends of 600 bytes a second, each with an fsync of its own\n",
              kTimes / seconds_since(begun));
}

using Send = std::function<int(const std::string& body)>;

// Each client has the logs whose number leaves its own as the remainder.
void run(const Options& options, const std::vector<std::vector<std::string>>& bodies,
         const std::function<Send()>& connect) {
  std::vector<double> latencies;
  std::mutex mutex;
  std::atomic<std::uint64_t> failed{0};
  std::vector<std::thread> clients;
  const auto begun = SteadyClock::now();
  for (std::size_t client = 0; client < options.clients; ++client) {
    clients.emplace_back([&, client] {
      const Send send = connect();
      std::vector<double> mine;
      for (std::size_t i = 0; i < options.each; ++i) {
        for (std::size_t log = client; log < bodies.size(); log += options.clients) {
          const auto sent = SteadyClock::now();
          if (send(bodies[log][i]) != 200) ++failed;
          mine.push_back(seconds_since(sent));
        }
      }
      const std::lock_guard lock(mutex);
      latencies.insert(latencies.end(), mine.begin(), mine.end());
    });
  }
  for (std::thread& client : clients) client.join();
  const double took = seconds_since(begun);
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))] *
           1000;
  };
  std::printf("%s, %zu logs, %zu clients: %.0f check-and-sets/s; p50 %.2f ms, p99 %.2f ms",
              options.http ? "HTTP" : "library", options.logs, options.clients,
              static_cast<double>(latencies.size()) / took, at(0.5), at(0.99));
  std::printf("; %zu in %.2f s, %llu not cosigned\n", latencies.size(), took,
              static_cast<unsigned long long>(failed.load()));
  if (failed != 0) throw std::runtime_error("some were not cosigned");
}

void run_http(const Options& options, const std::vector<std::vector<std::string>>& bodies,
              const tlog::Witness& witness) {
  adapters::SystemClock clock;
  control::WorkPool pool(32, 1024);
  logserve::WitnessHandler handler(witness, clock, "", {1e9, 1e9, 1e9, 1e9},
                                   [&pool](std::function<void()> task) {
                                     return pool.post(std::move(task)) ==
                                            control::WorkPool::Taken::kYes;
                                   },
                                   {});
  adapters::HttpServerOptions serving;
  serving.listen = "127.0.0.1:0";
  const auto server = must(adapters::HttpServer::start(std::move(serving), handler));
  run(options, bodies, [&]() -> Send {
    auto client = std::make_shared<testing::HttpClient>(server->address());
    return [client](const std::string& body) {
      return must(client->send("POST", "/add-checkpoint", body)).status;
    };
  });
  server->stop({});
  pool.stop();
}

void bench(const Options& options, const std::filesystem::path& directory) {
  show_disk(directory);
  std::vector<tlog::WitnessedLog> witnessed;
  std::vector<std::vector<std::string>> bodies;
  for (std::size_t i = 0; i < options.logs; ++i) {
    const testing::GrowingLog log("log.example/" + std::to_string(i), options.each);
    witnessed.push_back(log.witnessed());
    bodies.emplace_back();
    for (std::size_t size = 0; size < options.each; ++size) {
      bodies.back().push_back(log.body(size, size + 1));
    }
  }
  if (!adapters::make_witness_files(directory / "state").has_value()) {
    throw std::runtime_error("no state in " + directory.string());
  }
  const auto state = must(adapters::open_witness_files({.directory = directory / "state"}));
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const tlog::Witness witness = must(tlog::Witness::make(
      must(tlog::Cosigner::make("witness.example", key)), std::move(witnessed), *state.memory));
  if (options.http) return run_http(options, bodies, witness);
  run(options, bodies, [&]() -> Send {
    return [&witness](const std::string& body) {
      const auto now =
          std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
      return witness.add_checkpoint(body, now).status;
    };
  });
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app{"Check-and-sets of a witness"};
  app.add_option("--logs", options.logs)->check(CLI::Range(1, 2048));
  app.add_option("--clients", options.clients)->check(CLI::Range(1, 1024));
  app.add_option("--each", options.each)->check(CLI::Range(1, 1'000'000));
  app.add_flag("--http", options.http);
  app.add_option("--dir", options.dir);
  CLI11_PARSE(app, argc, argv);
  const auto directory =
      std::filesystem::path(options.dir) / ("avouch-witness-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  try {
    bench(options, directory);
  } catch (...) {
    std::filesystem::remove_all(directory);
    throw;
  }
  std::filesystem::remove_all(directory);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "witness_bench: %s\n", error.what());
  return 1;
}
