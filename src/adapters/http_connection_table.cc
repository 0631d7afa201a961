#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http_connection.h"

namespace avouch::adapters {

void ConnectionTable::add(const std::shared_ptr<ConnectionBase>& connection) {
  const std::lock_guard lock(mutex_);
  connections_.emplace(connection.get(), connection);
}

void ConnectionTable::remove(ConnectionBase* connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
  if (connections_.empty()) empty_.notify_all();
}

std::vector<std::shared_ptr<ConnectionBase>> ConnectionTable::all() {
  std::vector<std::shared_ptr<ConnectionBase>> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [address, weak] : connections_) {
    if (auto connection = weak.lock()) found.push_back(std::move(connection));
  }
  return found;
}

namespace {

using Connections = std::vector<std::shared_ptr<ConnectionBase>>;

// The heaviest network by `weight`; those that weigh nothing do not count.
template <typename Weight>
std::optional<std::string> heaviest_network(const Connections& connections, Weight weight) {
  std::unordered_map<std::string, std::size_t> sums;
  for (const auto& connection : connections) sums[connection->network] += weight(*connection);
  std::optional<std::string> heaviest;
  std::size_t most = 0;
  for (const auto& [network, sum] : sums) {
    if (sum <= most) continue;
    most = sum;
    heaviest = network;
  }
  return heaviest;
}

// Of the heaviest network, the one that has been at it longest of those that weigh anything.
template <typename Weight>
std::shared_ptr<ConnectionBase> longest(const Connections& connections,
                                        std::atomic<std::int64_t> ConnectionBase::*since,
                                        Weight weight) {
  const auto network = heaviest_network(connections, weight);
  std::shared_ptr<ConnectionBase> found;
  std::int64_t first = 0;
  for (const auto& connection : connections) {
    const std::int64_t time = (*connection).*since;
    if (connection->network != network || time <= 0 || weight(*connection) == 0) continue;
    if (found && time >= first) continue;
    found = connection;
    first = time;
  }
  return found;
}

bool waits_for_client(const ConnectionBase& connection) {
  return connection.idle_since > 0 || connection.reading_since > 0;
}

// Since when it waits, idle ones first.
std::pair<bool, std::int64_t> rank(const ConnectionBase& connection) {
  const std::int64_t idle = connection.idle_since;
  return idle != 0 ? std::pair(false, idle) : std::pair(true, connection.reading_since.load());
}

}  // namespace

std::shared_ptr<ConnectionBase> ConnectionTable::most_crowding() {
  const Connections connections = all();
  const auto network = heaviest_network(connections, [](const ConnectionBase& connection) {
    return waits_for_client(connection) ? std::size_t{1} : 0;
  });
  std::shared_ptr<ConnectionBase> found;
  std::pair<bool, std::int64_t> first;
  for (const auto& connection : connections) {
    if (connection->network != network) continue;
    const auto place = rank(*connection);
    if (place.second <= 0 || (found && place >= first)) continue;
    found = connection;
    first = place;
  }
  return found;
}

std::shared_ptr<ConnectionBase> ConnectionTable::most_occupying() {
  const Connections connections = all();
  return longest(connections, &ConnectionBase::busy_since, [](const ConnectionBase& connection) {
    return connection.busy_since > 0 ? 1U : 0U;
  });
}

std::shared_ptr<ConnectionBase> ConnectionTable::most_hoarding() {
  const Connections connections = all();
  return longest(connections, &ConnectionBase::reading_since, [](const ConnectionBase& connection) {
    return connection.reading_since > 0 ? connection.body_held.load() : 0;
  });
}

std::size_t ConnectionTable::size() {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void ConnectionTable::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  empty_.wait_until(lock, deadline, [this] { return connections_.empty(); });
}

void Pulse::expect_next() { due_ = std::chrono::steady_clock::now() + kEvery; }

void Pulse::beat() {
  last_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(std::chrono::steady_clock::now() - due_.load(), {}));
}

std::chrono::milliseconds Pulse::lag() const {
  const auto overdue = std::chrono::steady_clock::now() - due_.load();
  return std::max(last_.load(), std::chrono::duration_cast<std::chrono::milliseconds>(overdue));
}

bool ServerShared::reserve_body(std::size_t bytes) {
  if (body_bytes.fetch_add(bytes) + bytes <= options.body_bytes) return true;
  body_bytes.fetch_sub(bytes);
  return false;
}

bool ServerShared::end_a_hoarder(const ConnectionBase* for_whom) {
  const auto hoarder = table.most_hoarding();
  if (!hoarder || hoarder.get() == for_whom) return false;
  hoarder->end_if_reading();
  return true;
}

bool ServerShared::reserve_answer(std::size_t bytes, const ConnectionBase* for_whom) {
  if (reserve_body(bytes)) return true;
  std::size_t coming = 0;
  while (coming < bytes) {
    const auto hoarder = table.most_hoarding();
    if (!hoarder || hoarder.get() == for_whom) return false;
    const std::size_t held = hoarder->body_held;
    if (hoarder->end_if_reading()) coming += held;
  }
  body_bytes.fetch_add(bytes);
  return true;
}

void ServerShared::release_body(std::size_t bytes) { body_bytes.fetch_sub(bytes); }

namespace {

class PendingReply {
 public:
  PendingReply(std::shared_ptr<ReplyGate> gate, std::weak_ptr<ConnectionBase> connection,
               std::uint64_t request)
      : gate_(std::move(gate)), connection_(std::move(connection)), request_(request) {}
  PendingReply(const PendingReply&) = delete;
  PendingReply& operator=(const PendingReply&) = delete;
  ~PendingReply() {
    try {
      answer(problem(500, "InternalError", "the request was dropped; see the server's log"));
    } catch (...) {  // out of memory: the reply deadline ends the connection
    }
  }

  void answer(HttpResponse response) {
    if (answered_.exchange(true)) return;
    const std::shared_lock lock(gate_->mutex);
    if (!gate_->open) return;
    if (const auto connection = connection_.lock()) {
      connection->deliver(request_, std::move(response));
    }
  }

 private:
  const std::shared_ptr<ReplyGate> gate_;
  const std::weak_ptr<ConnectionBase> connection_;
  const std::uint64_t request_;
  std::atomic<bool> answered_{false};
};

}  // namespace

HttpHandler::Reply make_reply(const std::shared_ptr<ReplyGate>& gate,
                              const std::shared_ptr<ConnectionBase>& connection,
                              std::uint64_t request) {
  return [pending = std::make_shared<PendingReply>(gate, connection, request)](
             HttpResponse response) { pending->answer(std::move(response)); };
}

}  // namespace avouch::adapters
