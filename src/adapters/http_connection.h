#pragma once

// One client's connection, and what all connections of a server share. Internal to the server.

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "adapters/http_server.h"
#include "base/http.h"
#include "observe/logging.h"

namespace avouch::adapters {

// Thread-safe. It is its connection's strand that runs everything but these calls.
class ConnectionBase {
 public:
  virtual ~ConnectionBase() = default;
  virtual void start() = 0;
  virtual void stop_when_idle() = 0;  // closes now, or after the request under way
  virtual void abort() = 0;
  virtual void deliver(std::uint64_t request, HttpResponse response) = 0;

  virtual bool end_if_reading() = 0;  // false: reading_since is 0, or it has been chosen before

  // Milliseconds of the steady clock since when it waits for a request; 0 while it has one.
  std::atomic<std::int64_t> idle_since{0};
  // The same since when it waits for its client to give or take the rest of something: of a
  // handshake, a request, an answer, a farewell. Negative once it has been chosen to end.
  std::atomic<std::int64_t> reading_since{0};
  // The same since when the handler has its request.
  std::atomic<std::int64_t> busy_since{0};
  std::atomic<std::size_t> body_held{0};  // bytes of ServerShared::body_bytes
  std::string network;                    // constant once it is in the table
};

// Keeps replies that come after the server's end from touching it.
struct ReplyGate {
  std::shared_mutex mutex;
  bool open = true;
};

// The connections that are open, by address.
class ConnectionTable {
 public:
  void add(const std::shared_ptr<ConnectionBase>& connection);
  void remove(ConnectionBase* connection);
  std::vector<std::shared_ptr<ConnectionBase>> all();
  // Of the network with the most connections of those that wait for their clients: the one that has
  // been idle longest, else the one that has been reading longest. Null where there is none.
  std::shared_ptr<ConnectionBase> most_crowding();
  // Of the network with the most requests that are with the handler: the one that has been longest.
  std::shared_ptr<ConnectionBase> most_occupying();
  // Of the network with the most bytes of bodies that are still being read, and of answers that are
  // still being taken: the one that has been at it longest.
  std::shared_ptr<ConnectionBase> most_hoarding();
  std::size_t size();
  void wait_until_empty(std::chrono::steady_clock::time_point deadline);

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_map<ConnectionBase*, std::weak_ptr<ConnectionBase>> connections_;
};

// How late the server's threads get to what they have to do, by a timer that they must serve.
// Thread-safe.
class Pulse {
 public:
  static constexpr std::chrono::milliseconds kEvery{50};
  void expect_next();  // in kEvery
  void beat();         // the timer has been served
  std::chrono::milliseconds lag() const;

 private:
  std::atomic<std::chrono::steady_clock::time_point> due_{
      std::chrono::steady_clock::time_point::max()};
  std::atomic<std::chrono::milliseconds> last_{std::chrono::milliseconds(0)};
};

struct ServerShared {
  ServerShared(HttpServerOptions given, HttpHandler& served)
      : options(std::move(given)), handler(served) {}

  const HttpServerOptions options;
  HttpHandler& handler;
  observe::Logger log{"http-server"};
  std::shared_ptr<ReplyGate> gate = std::make_shared<ReplyGate>();
  ConnectionTable table;
  Pulse pulse;
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> body_bytes{0};
  std::atomic<std::uint64_t> accepted{0}, shed{0}, requests{0}, refused{0};

  bool reserve_body(std::size_t bytes);  // false: no room
  void release_body(std::size_t bytes);
  // Asks a connection to end, so that there is room for another one's body. False: none can.
  bool end_a_hoarder(const ConnectionBase* for_whom);
  // For an answer, which is there already: room is what others have been asked to give up, though
  // they give it a moment later. False: none can.
  bool reserve_answer(std::size_t bytes, const ConnectionBase* for_whom);
};

// `shared` must outlive the connection.
std::shared_ptr<ConnectionBase> make_plain_connection(ServerShared& shared,
                                                      boost::asio::ip::tcp::socket socket);
std::shared_ptr<ConnectionBase> make_tls_connection(ServerShared& shared,
                                                    boost::asio::ip::tcp::socket socket,
                                                    boost::asio::ssl::context& tls);

// The callback that a handler gets: answers at most once, and 500 if it is destroyed unused.
HttpHandler::Reply make_reply(const std::shared_ptr<ReplyGate>& gate,
                              const std::shared_ptr<ConnectionBase>& connection,
                              std::uint64_t request);

}  // namespace avouch::adapters
