// Appends to the verdict log on real files with fsync, or in a PostgreSQL server of its own on this
// machine: how many a second with many writers, how long one takes at a fixed rate, and what an
// entry costs as the log grows.
//
//   log_bench [--entries N] [--writers W] [--bytes B] [--rate R] [--seconds S] [--dir DIR]
//             [--postgres]
//
// Without --rate: W writers, each with one append under way, until N entries are in; a line for
// each tenfold of the log's size; then what the log takes on disk, how long a new process would
// take to open it again, and what proofs of single entries take there. With --rate: R appends a
// second for S seconds; latency counts from when an append was due.

#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/log_files.h"
#include "adapters/log_postgres.h"
#include "adapters/system_clock.h"
#include "crypto/keys.h"
#include "tests/support/postgres_server.h"
#include "tests/support/tpm_structures.h"
#include "tlog/log.h"

namespace {

using namespace avouch;  // NOLINT(google-build-using-namespace)
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::uint64_t entries = 1'000'000;
  std::uint64_t writers = 512;
  std::size_t bytes = 1024;
  std::uint64_t rate = 0;
  std::uint64_t seconds = 10;
  std::string dir = "/var/tmp";
  bool postgres = false;
};

double seconds_since(SteadyClock::time_point then) {
  return std::chrono::duration<double>(SteadyClock::now() - then).count();
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1048576;
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

Bytes entry_of(std::uint64_t number, std::size_t bytes) {
  Bytes out(bytes);
  std::mt19937_64 random(number);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

// An append counts when its place is durable.
class Load {
 public:
  Load(tlog::Log& log, const Options& options) : log_(log), options_(options) {}

  void as_fast_as_it_goes() {
    begun_ = last_ = SteadyClock::now();
    for (std::uint64_t i = 0; i < options_.writers; ++i) next();
    std::unique_lock lock(mutex_);
    while (done_ < options_.entries) {
      ended_.wait_for(lock, std::chrono::milliseconds(1));
      const std::vector<std::uint64_t> again = std::exchange(refused_, {});
      refusals_ += again.size();
      lock.unlock();
      for (const std::uint64_t number : again) append(number);
      lock.lock();
    }
    const double took = seconds_since(begun_);
    std::printf("%llu entries of %zu bytes by %llu writers: %.0f/s; %llu told to come back\n",
                static_cast<unsigned long long>(options_.entries), options_.bytes,
                static_cast<unsigned long long>(options_.writers),
                static_cast<double>(options_.entries) / took,
                static_cast<unsigned long long>(refusals_));
  }

  void at_a_rate() {
    const std::uint64_t count = options_.rate * options_.seconds;
    std::vector<double> milliseconds(count);
    const auto start = SteadyClock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto due = start + std::chrono::nanoseconds(1'000'000'000 / options_.rate * i);
      std::this_thread::sleep_until(due);
      log_.append({{entry_of(i, options_.bytes), {}, ""}},
                  [this, i, due, &milliseconds](const auto& places) {
                    testing::must(places.has_value(), "append");
                    milliseconds[i] = 1000 * seconds_since(due);
                    const std::lock_guard lock(mutex_);
                    ++done_;
                    ended_.notify_one();
                  });
    }
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return done_ == count; });
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf("%llu/s for %llu s: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n",
                static_cast<unsigned long long>(options_.rate),
                static_cast<unsigned long long>(options_.seconds), percentile(milliseconds, 0.5),
                percentile(milliseconds, 0.99), milliseconds.back());
  }

 private:
  void next() {
    const std::uint64_t number = started_++;
    if (number < options_.entries) append(number);
  }

  void append(std::uint64_t number) {
    log_.append({{entry_of(number, options_.bytes), {}, ""}}, [this, number](const auto& places) {
      {
        const std::lock_guard lock(mutex_);
        if (!places.has_value()) {  // back-pressure: the writer comes back
          testing::must(places.error().kind == ErrorKind::kRetryable, "append");
          refused_.push_back(number);
          return;
        }
        if (++done_ == mark_) tell();
        ended_.notify_one();
      }
      next();
    });
  }

  void tell() {
    const auto now = SteadyClock::now();
    const double took = std::chrono::duration<double>(now - last_).count();
    std::printf("  %8llu entries: %.1f us each since the last line, %.0f MiB resident\n",
                static_cast<unsigned long long>(done_),
                took * 1e6 / static_cast<double>(done_ - told_), resident_mib());
    last_ = now;
    told_ = done_;
    mark_ *= 10;
  }

  tlog::Log& log_;
  const Options& options_;
  SteadyClock::time_point begun_, last_;
  std::atomic<std::uint64_t> started_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<std::uint64_t> refused_;
  std::uint64_t done_ = 0, told_ = 0, mark_ = 1000, refusals_ = 0;
};

std::unique_ptr<tlog::Store> open_store(const std::filesystem::path& folder,
                                        testing::PostgresServer* server) {
  if (server == nullptr) {
    return testing::must_value(adapters::open_log_files({.directory = folder / "log"}));
  }
  return testing::must_value(
      adapters::open_log_postgres({.database = {.connection = server->connection()}}));
}

void tell_size(const std::filesystem::path& folder, testing::PostgresServer* server) {
  if (server != nullptr) {
    std::printf("in the database: %s\n",
                server->sql()
                    .run("SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM "
                         "pg_class WHERE relname LIKE 'avouch_log%' AND relkind = 'r'")
                    .c_str());
    return;
  }
  std::uintmax_t bytes = 0;
  std::uint64_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    bytes += entry.file_size();
    ++files;
  }
  std::printf("on disk: %.0f MiB in %llu files\n", static_cast<double>(bytes) / 1048576,
              static_cast<unsigned long long>(files));
}

// Entries anywhere in the log, each with its proof of inclusion, from what is stored.
void prove(const tlog::Log& log) {
  constexpr int kProofs = 2000;
  const tlog::VerifiedCheckpoint at = log.checkpoint();
  std::mt19937_64 random(1);
  std::vector<double> milliseconds;
  for (int i = 0; i < kProofs; ++i) {
    const auto begun = SteadyClock::now();
    testing::must(log.inclusion_proof(random() % at.size(), at).has_value(), "proof");
    milliseconds.push_back(1000 * seconds_since(begun));
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("proofs of %d entries: p50 %.2f ms, p99 %.2f ms, most %.2f ms; %.1f MiB resident\n",
              kProofs, percentile(milliseconds, 0.5), percentile(milliseconds, 0.99),
              milliseconds.back(), resident_mib());
}

// What a restart costs: the log as it was left, opened anew.
void reopen(const std::filesystem::path& folder, testing::PostgresServer* server,
            const tlog::LogOptions& options, tlog::NoteSigner signer, Clock& clock) {
  tell_size(folder, server);
  ::malloc_trim(0);
  const double closed = resident_mib();
  const auto begun = SteadyClock::now();
  const auto store = open_store(folder, server);
  const auto head = testing::must_value(adapters::open_head_file(folder / "head"));
  const auto log =
      testing::must_value(tlog::Log::open(options, *store, {head.get()}, std::move(signer), clock));
  std::printf("opened again in %.0f ms: %.1f MiB resident, %.1f MiB before\n",
              1000 * seconds_since(begun), resident_mib(), closed);
  prove(*log);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Appends to the verdict log.");
  app.add_option("--entries", options.entries, "entries in all");
  app.add_option("--writers", options.writers, "appends under way at once");
  app.add_option("--bytes", options.bytes, "bytes of an entry");
  app.add_option("--rate", options.rate, "appends a second, instead of as many as possible");
  app.add_option("--seconds", options.seconds, "with --rate: how long");
  app.add_option("--dir", options.dir, "where the log is put, and removed again");
  app.add_flag("--postgres", options.postgres, "in PostgreSQL, not on files");
  CLI11_PARSE(app, argc, argv);

  const std::filesystem::path folder =
      std::filesystem::path(options.dir) / ("log-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::unique_ptr<testing::PostgresServer> server;
  if (options.postgres) server = std::make_unique<testing::PostgresServer>();
  adapters::SystemClock clock;
  tlog::LogOptions log_options;
  log_options.origin = "bench";
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  {
    const auto store = open_store(folder, server.get());
    const auto head = testing::must_value(adapters::open_head_file(folder / "head"));
    auto signer = testing::must_value(tlog::NoteSigner::make("bench", key));
    const auto log = testing::must_value(
        tlog::Log::open(log_options, *store, {head.get()}, std::move(signer), clock));
    Load load(*log, options);
    options.rate == 0 ? load.as_fast_as_it_goes() : load.at_a_rate();
    const auto published = testing::must_value(log->publish_now());
    const tlog::LogStatus status = log->status();
    std::printf("checkpoint of %llu entries; %llu commits of %.2f ms\n",
                static_cast<unsigned long long>(published.size()),
                static_cast<unsigned long long>(status.commits),
                static_cast<double>(status.commit_time.count()) / 1000 /
                    static_cast<double>(status.commits));
  }
  reopen(folder, server.get(), log_options,
         testing::must_value(tlog::NoteSigner::make("bench", key)), clock);
  std::filesystem::remove_all(folder);
}
