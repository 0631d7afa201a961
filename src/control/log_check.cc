#include "control/log_check.h"

#include <algorithm>
#include <utility>

#include "tlog/preimages.h"
#include "tlog/retention.h"

namespace avouch::control {
namespace {

constexpr std::size_t kMostDamages = 20;                   // that are told of one by one
constexpr std::size_t kMostShown = 3;                      // in one message
constexpr std::chrono::milliseconds kLongestRest{10'000};  // a disk that stood still costs no more

}  // namespace

LogCheck::LogCheck(Options options, tlog::TileReader& reader, Clock& clock, OnDamage on_damage,
                   OnFault on_fault)
    : options_(options),
      reader_(reader),
      clock_(clock),
      on_damage_(std::move(on_damage)),
      on_fault_(std::move(on_fault)) {}

LogCheck::~LogCheck() { stop(); }

void LogCheck::start(tlog::VerifiedCheckpoint checkpoint) {
  {
    const std::lock_guard lock(mutex_);
    progress_.of = checkpoint.size();
  }
  thread_ = std::jthread([this, checkpoint = std::move(checkpoint)](const std::stop_token& stop) {
    run(checkpoint, stop);
  });
}

void LogCheck::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

LogCheckProgress LogCheck::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void LogCheck::run(const tlog::VerifiedCheckpoint& checkpoint, const std::stop_token& stop) {
  tlog::FsckOptions options;
  options.preimages = true;
  options.in_use = true;
  options.max_damages = kMostDamages;
  options.checked = [this](std::uint64_t entries) { checked(entries); };
  options.stop = stop;
  while (!stop.stop_requested()) {
    piece_begun_ = clock_.steady_now();
    const auto report = tlog::check_log(reader_, checkpoint, options);
    if (stop.stop_requested()) return;
    if (!report.has_value()) {
      if (on_fault_) on_fault_(report.error().message);
      wait(options_.retry);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      progress_.entries = report->entries;
      progress_.damages = report->damage_count;
      progress_.finished = clock_.now();
    }
    if (!report->is_whole() && on_damage_) on_damage_(*report);
    return;
  }
}

void LogCheck::checked(std::uint64_t entries) {
  {
    const std::lock_guard lock(mutex_);
    progress_.entries = entries;
  }
  const auto took = clock_.steady_now() - piece_begun_;
  // A piece is less than a millisecond where the disk is quick: then a millisecond each.
  wait(std::clamp<std::chrono::milliseconds>(took * options_.rest, std::chrono::milliseconds(1),
                                             kLongestRest));
  piece_begun_ = clock_.steady_now();
}

void LogCheck::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  clock_.wait_until(lock, wake_, clock_.steady_now() + time, [this] { return stopping_; });
}

bool is_of_tree(const tlog::FsckReport& report) {
  if (report.damage_count > report.damages.size()) return true;
  return std::any_of(report.damages.begin(), report.damages.end(), [](const tlog::Damage& damage) {
    return !damage.path.starts_with(tlog::kPreimagesPrefix) && damage.path != tlog::kRetentionPath;
  });
}

std::string describe(const tlog::FsckReport& report) {
  std::string text = std::to_string(report.damage_count) +
                     (report.damage_count == 1 ? " object" : " objects") +
                     " of the stored log damaged: ";
  for (std::size_t i = 0; i < std::min(kMostShown, report.damages.size()); ++i) {
    text += (i == 0 ? "" : "; ") + report.damages[i].path + ": " + report.damages[i].what;
  }
  return text + (report.damage_count > kMostShown ? " ..." : "");
}

}  // namespace avouch::control
