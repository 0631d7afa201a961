#include "tlog/timed_reader.h"

namespace avouch::tlog {
namespace {

std::string whole_seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

void TimedReader::begin(std::chrono::milliseconds time) {
  time_ = time;
  end_ = clock_.steady_now() + time;
  has_ended_ = false;
}

Result<std::optional<Bytes>> TimedReader::fetch(std::string_view path) {
  if (clock_.steady_now() >= end_) {
    has_ended_ = true;
    return retryable("not read in the " + whole_seconds(time_) +
                     " that the log has in one look: " + std::string(path));
  }
  return inner_->fetch(path);
}

std::optional<std::string> overdue(SteadyTime last_look, SteadyTime now,
                                   std::chrono::milliseconds allowed) {
  if (now - last_look <= allowed) return std::nullopt;
  return "the last look at it ended " + whole_seconds(now - last_look) + " ago, expected within " +
         whole_seconds(allowed);
}

}  // namespace avouch::tlog
