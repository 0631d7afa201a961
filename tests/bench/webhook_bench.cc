// Reviews through the webhook's real HTTPS server, decision and recorder, answered once their
// verdict is in a real log on files. The log is embedded: its endpoint does in this process what
// the controller does with POST /v1/log/entries (parsing, statement, signature, group commit,
// fsync), but for the HTTPS hop and the caller's token. Server and clients share the machine.
//
//   webhook_bench --connections 64 --seconds 10             as fast as it goes
//   webhook_bench --connections 64 --seconds 10 --rate 2000 open loop: latency from the time at
//   which
//                                                           a review was due, waiting included
//   with --flood 200: as many connections more, from another address, send made-up reviews as fast
//   as they are answered, and only the others' latencies are shown
//   more: --threads 2, --nodes 100, --deny, --directory DIR (on the disk to be measured)

#include <openssl/ssl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <thread>

#include "adapters/log_files.h"
#include "adapters/spool_files.h"
#include "control/admission_entries.h"
#include "integration/webhook/serving.h"
#include "tlog/entry.h"
#include "tlog/log.h"
#include "webhook/controller_log.h"

namespace avouch::webhook {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::string_view kUid = "705ab4f5-6393-11e8-b7cc-42010a800002";

class EmbeddedLog final : public admission::LogEndpoint {
 public:
  explicit EmbeddedLog(const std::string& directory)
      : store_(adapters::open_log_files({directory + "/log", 64UL * 1024 * 1024}).value()) {
    tlog::LogOptions options;
    options.origin = admission::kOrigin;
    auto signer = tlog::NoteSigner::make(admission::kOrigin,
                                         crypto::PrivateKey::generate(crypto::KeyType::kEd25519));
    log_ =
        tlog::Log::open(std::move(options), *store_, {}, std::move(signer).value(), clock_).value();
  }

  Result<admission::LogPlaces> append(std::span<const admission::LogRecord> records) override {
    AVOUCH_TRY(auto entries,
               control::parse_admission_entries(write_log_request(records), clock_.now()));
    std::vector<tlog::Submission> made;
    for (auto& entry : entries) {
      AVOUCH_TRY(
          auto statement,
          tlog::make_entry(admission::verifier_key(),
                           {.issuer = admission::kOrigin,
                            .subject = tlog::pod_pseudonym(key_, entry.pod_namespace, entry.pod),
                            .kind = std::string(tlog::kAdmissionVerdict),
                            .payload = std::move(entry.payload)},
                           crypto::system_random()));
      made.push_back({std::move(statement.statement), std::move(statement.preimage),
                      entry.id + "/" + entry.decision});
    }
    std::mutex mutex;
    std::condition_variable wake;
    std::optional<Result<std::vector<tlog::Sequenced>>> places;
    log_->append(std::move(made), [&](Result<std::vector<tlog::Sequenced>> done) {
      const std::lock_guard lock(mutex);
      places = std::move(done);
      wake.notify_one();
    });
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return places.has_value(); });
    if (!places->has_value()) return places->error();
    admission::LogPlaces indices;
    for (const auto& place : **places) indices.push_back(place.index);
    return indices;
  }
  void cancel() override {}

  tlog::LogStatus status() const { return log_->status(); }

 private:
  adapters::SystemClock clock_;
  const Bytes key_ = Bytes(32, 7);
  std::unique_ptr<tlog::Store> store_;
  std::unique_ptr<tlog::Log> log_;
};

struct Options {
  int connections = 64;
  int seconds = 10;
  int rate = 0;
  int threads = 2;
  int nodes = 100;
  int flood = 0;
  bool deny = false;
  std::string directory;
};

// A review of a pod of six kilobytes that is pinned to a node: everything has to be read and
// digested.
std::string request_text(const Options& options) {
  codec::Json review = admission::pod_on(options.deny ? "bad" : "good");
  codec::Json& pod = review["request"]["object"];
  codec::Json::Array environment;
  for (int i = 0; i < 60; ++i) {
    codec::Json variable(codec::Json::Object{});
    variable["name"] = "SETTING_" + std::to_string(i);
    variable["value"] = std::string(48, static_cast<char>('a' + i % 26));
    environment.push_back(std::move(variable));
  }
  (*pod["spec"]["containers"].as_array())[0]["env"] = codec::Json(std::move(environment));
  std::string body = codec::to_json(review);
  body += std::string(body.size() < 6'144 ? 6'144 - body.size() : 0, ' ');
  return "POST /admit/pods?timeout=3s HTTP/1.1\r\nHost: webhook.test\r\nContent-Type: "
         "application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Load;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Load& load, asio::io_context& io, asio::ssl::context& tls)
      : load_(load), stream_(asio::make_strand(io), tls) {}
  void connect(const tcp::endpoint& server, const std::string& from);
  void send(std::uint64_t number, steady_clock::time_point due);

 private:
  void write();
  void read();
  void on_head(const boost::system::error_code& error, std::size_t size);
  void finish();

  Load& load_;
  asio::ssl::stream<tcp::socket> stream_;
  std::string request_, answer_;
  steady_clock::time_point due_;
  friend struct Load;
};

struct Load {
  explicit Load(const Options& given) : options(given), text(request_text(given)) {
    uid_at = text.find(kUid);
  }

  void ready(const std::shared_ptr<Connection>& connection) {
    const auto now = steady_clock::now();
    if (options.rate == 0) {
      if (now < end) connection->send(next++, now);
      return;
    }
    const std::lock_guard lock(mutex);
    if (backlog.empty()) return idle.push_back(connection);
    const auto due = backlog.front();
    backlog.pop_front();
    connection->send(next++, due);
  }
  void arrive(steady_clock::time_point due) {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return backlog.push_back(due);
    const auto connection = idle.back();
    idle.pop_back();
    connection->send(next++, due);
  }
  void answered(steady_clock::time_point due, const std::string& answer) {
    const auto took = std::chrono::duration_cast<microseconds>(steady_clock::now() - due);
    const std::string_view wanted = options.deny ? "\"allowed\":false" : "\"log-index\"";
    const std::lock_guard lock(mutex);
    latencies.push_back(took);
    if (answer.find(wanted) == std::string::npos && ++unexpected == 1) std::cerr << answer << '\n';
  }

  const Options options;
  const std::string text;
  std::size_t uid_at = 0;
  steady_clock::time_point end;
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  std::deque<std::shared_ptr<Connection>> idle;
  std::deque<steady_clock::time_point> backlog;
  std::vector<microseconds> latencies;
  double lasted = 0;  // seconds
  std::uint64_t unexpected = 0;
};

void Connection::connect(const tcp::endpoint& server, const std::string& from) {
  stream_.lowest_layer().open(tcp::v4());
  stream_.lowest_layer().bind({asio::ip::make_address(from), 0});
  stream_.lowest_layer().connect(server);
  stream_.lowest_layer().set_option(tcp::no_delay(true));
  stream_.handshake(asio::ssl::stream_base::client);
}

void Connection::send(std::uint64_t number, steady_clock::time_point due) {
  due_ = due;
  request_ = load_.text;
  std::string digits = std::to_string(number);
  request_.replace(load_.uid_at + kUid.size() - 12, 12,
                   std::string(12 - digits.size(), '0') + digits);
  answer_.clear();
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->write(); });
}

void Connection::write() {
  asio::async_write(stream_, asio::buffer(request_),
                    [self = shared_from_this()](const auto& error, std::size_t) {
                      if (error) throw std::runtime_error("send: " + error.message());
                      self->read();
                    });
}

void Connection::read() {
  asio::async_read_until(stream_, asio::dynamic_buffer(answer_), "\r\n\r\n",
                         [self = shared_from_this()](const auto& error, std::size_t size) {
                           self->on_head(error, size);
                         });
}

void Connection::on_head(const boost::system::error_code& error, std::size_t size) {
  if (error) throw std::runtime_error("read: " + error.message());
  const std::size_t field = answer_.find("Content-Length: ");
  const std::size_t length = std::stoul(answer_.substr(field + 16));
  if (answer_.size() >= size + length) return finish();
  asio::async_read(stream_, asio::dynamic_buffer(answer_),
                   asio::transfer_exactly(size + length - answer_.size()),
                   [self = shared_from_this()](const auto& failure, std::size_t) {
                     if (failure) throw std::runtime_error("read: " + failure.message());
                     self->finish();
                   });
}

void Connection::finish() {
  load_.answered(due_, answer_);
  load_.ready(shared_from_this());
}

void run_load(Load& load, std::uint16_t port, const std::string& from) {
  asio::io_context io;
  asio::ssl::context tls(asio::ssl::context::tls_client);
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"), port);
  std::vector<std::shared_ptr<Connection>> connections;
  for (int i = 0; i < load.options.connections; ++i) {
    connections.push_back(std::make_shared<Connection>(load, io, tls));
    connections.back()->connect(server, from);
  }
  auto work = asio::make_work_guard(io);
  const auto begin = steady_clock::now();
  load.end = begin + std::chrono::seconds(load.options.seconds);
  for (const auto& connection : connections) load.ready(connection);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&io] { io.run(); });
  if (load.options.rate > 0) {
    const auto total = static_cast<std::int64_t>(load.options.rate) * load.options.seconds;
    for (std::int64_t i = 0; i < total; ++i) {
      const auto due = begin + std::chrono::nanoseconds(i * 1'000'000'000 / load.options.rate);
      std::this_thread::sleep_until(due);
      load.arrive(due);
    }
  }
  work.reset();
  for (auto& thread : threads) thread.join();
  load.idle.clear();  // before `io`
  load.lasted = std::chrono::duration<double>(steady_clock::now() - begin).count();
}

void print(Load& load) {
  const double took = load.lasted;
  auto& all = load.latencies;
  std::sort(all.begin(), all.end());
  const auto at = [&all](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(all.size() - 1));
    return static_cast<double>(all[index].count()) / 1000;
  };
  std::printf(
      "%zu reviews in %.1f s: %.0f/s; latency ms p50 %.2f p90 %.2f p99 %.2f max %.2f; "
      "unexpected answers: %llu\n",
      all.size(), took, static_cast<double>(all.size()) / took, at(0.5), at(0.9), at(0.99), at(1),
      static_cast<unsigned long long>(load.unexpected));
}

int run(const Options& options) {
  const testing::TempDir temporary;
  const std::string directory = options.directory.empty() ? temporary.path() : options.directory;
  EmbeddedLog log(directory);
  auto spool = adapters::open_spool_files({.directory = directory + "/spool"});
  const ServingFiles files(make_authority("bench"));
  adapters::HttpServerOptions serving;
  serving.tls = files.source();
  serving.threads = options.threads;
  serving.bodies_end_with_handle = true;
  observe::init_logging(observe::LogLevel::kError);
  ServingWebhook webhook(log, *spool->spool, std::move(serving));
  admission::World world = present_world();
  for (int i = 0; i < options.nodes; ++i) {
    world.add_node("node-" + std::to_string(i), {{"pool", "attested"}});
  }
  webhook.facts.set(world);
  Load load(options);
  Options forged = options;
  forged.connections = options.flood;
  forged.rate = 0;
  Load flood(forged);
  flood.next = 1'000'000'000;  // other UIDs
  std::thread flooder;
  if (options.flood > 0) {
    flooder = std::thread([&] { run_load(flood, webhook.server->port(), "127.0.0.2"); });
  }
  run_load(load, webhook.server->port(), "127.0.0.1");
  if (flooder.joinable()) flooder.join();
  print(load);
  if (options.flood > 0) {
    std::printf("made-up reviews meanwhile: %.0f/s\n",
                static_cast<double>(flood.latencies.size()) / flood.lasted);
  }
  const auto status = log.status();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  std::printf("CPU of server, log and clients together: %.0f us a review\n",
              cpu * 1e6 / static_cast<double>(load.latencies.size() + flood.latencies.size()));
  std::printf("log: %llu entries in %llu commits, %.2f ms a commit\n",
              static_cast<unsigned long long>(status.sequenced),
              static_cast<unsigned long long>(status.commits),
              static_cast<double>(status.commit_time.count()) / 1000 /
                  static_cast<double>(std::max<std::uint64_t>(1, status.commits)));
  return load.unexpected == 0 ? 0 : 1;
}

}  // namespace
}  // namespace avouch::webhook

int main(int argc, char** argv) {
  avouch::webhook::Options options;
  CLI::App app{"Load on the admission webhook."};
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 4000));
  app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 3600));
  app.add_option("--rate", options.rate, "reviews/s; 0: as fast as it goes");
  app.add_option("--threads", options.threads, "of the server");
  app.add_option("--nodes", options.nodes);
  app.add_option("--flood", options.flood, "connections of a flood")->check(CLI::Range(0, 4000));
  app.add_flag("--deny", options.deny);
  app.add_option("--directory", options.directory);
  CLI11_PARSE(app, argc, argv);
  return avouch::webhook::run(options);
}
