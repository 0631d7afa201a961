#pragma once

// The logs of a chain that are closed, to be read. What is kept of each is a line of the list; a
// few of them, those that were read last, are open.

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/closed_log.h"
#include "tlog/store.h"

namespace avouch::control {

struct ClosedShard {
  std::string label;
  std::unique_ptr<tlog::TileReader> store;
  tlog::ClosedLog log;
  std::string note;  // its last checkpoint, with the cosignatures that are kept
};

// Thread-safe.
class ClosedShards {
 public:
  // kRejected: there is no such log, or it is not closed.
  using Open = std::function<Result<std::shared_ptr<const ClosedShard>>(const std::string& label)>;

  // `labels`: those that were closed when this process began, oldest first.
  ClosedShards(std::string chain, std::vector<std::string> labels, Open open)
      : chain_(std::move(chain)), labels_(std::move(labels)), open_(std::move(open)) {}

  const std::string& chain() const { return chain_; }
  bool has(std::string_view label) const;
  // The label of a closed log of that origin.
  std::optional<std::string> label_of(std::string_view origin) const;

  // Nothing for another label than those, and for a log that is not there any more: somebody has
  // taken it away.
  Result<std::shared_ptr<const ClosedShard>> find(const std::string& label);

  struct Line {
    std::string label, next;
    std::uint64_t size = 0;
    tlog::Hash root{};
    std::vector<tlog::NoteVerifier> keys;  // that signed its last checkpoint
  };
  struct List {
    std::vector<Line> lines;              // oldest first
    std::vector<std::string> not_served;  // labels of those that are damaged, or not there any more
  };
  // What was read once is kept; what is not served is looked for again each time. kRetryable where
  // one cannot be read for now: without it the list would be of other logs.
  Result<List> list();

 private:
  static constexpr std::size_t kMostOpen = 8;

  const std::string chain_;
  const std::vector<std::string> labels_;
  const Open open_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const ClosedShard>> recent_;  // the last one read first
  std::map<std::string, Line> lines_;                     // by label, of those that were read
};

}  // namespace avouch::control
