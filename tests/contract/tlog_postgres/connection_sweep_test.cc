// The connection is lost at every statement of a scripted run, in three ways, and the log is
// started again: no acknowledged entry is lost, moved or changed, and no published checkpoint
// contradicted.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "contract/tlog/one_life.h"
#include "support/postgres_engine.h"
#include "support/sanitized.h"

namespace avouch::tlog {
namespace {

using adapters::PostgresEvent;
using testing::LogProcess;
using testing::PostgresLogEngine;
using testing::Sql;

enum class Loss {
  kBefore,     // the server ends the connection before the statement is sent
  kMeanwhile,  // while the server may be at it
  kAnswer,     // the server has done it, and its answer is lost
};

constexpr std::array kLosses{Loss::kBefore, Loss::kMeanwhile, Loss::kAnswer};

// Loses the connection at one statement, counted over all connections. Thread-safe.
class Cutter {
 public:
  Cutter(Sql& sql, Loss loss, std::size_t at) : sql_(sql), loss_(loss), at_(at) {}

  void operator()(const PostgresEvent& event) {
    const std::lock_guard lock(mutex_);
    if (event.when == PostgresEvent::When::kBefore) {
      const bool here = statements_++ == at_;
      if (here) statement_ = event.statement;
      if (here && loss_ == Loss::kBefore) end(event);
      if (here && loss_ != Loss::kBefore) armed_ = event.backend;
      return;
    }
    if (armed_ != event.backend) return;
    armed_ = 0;
    if (loss_ == Loss::kMeanwhile) return end(event);
    ++cuts_;
    testing::lose_answer(sql_, event);
  }

  std::size_t statements() const { return statements_; }
  const std::string& statement() const { return statement_; }  // that was hit
  std::size_t cuts() const { return cuts_; }

 private:
  void end(const PostgresEvent& event) {
    ++cuts_;
    sql_.run("SELECT pg_terminate_backend(" + std::to_string(event.backend) + ", 10000)");
  }

  Sql& sql_;
  const Loss loss_;
  const std::size_t at_;
  std::mutex mutex_;
  std::size_t statements_ = 0, cuts_ = 0;
  std::string statement_;
  int armed_ = 0;  // the backend whose statement it is
};

class ConnectionSweep : public ::testing::Test {
 protected:
  // One run, and the check behind it. The statement that was hit; "" if there are fewer.
  std::string run(std::size_t at, Loss loss) {
    SCOPED_TRACE("lost at statement " + std::to_string(at) + ", way " +
                 std::to_string(static_cast<int>(loss)));
    PostgresLogEngine engine;
    const auto options = engine.options;
    Cutter cutter(engine.sql(), loss, at);
    engine.options.database.observe = [&](const PostgresEvent& event) { cutter(event); };
    Seen seen;
    {
      LogProcess process(engine);
      process.with_faults = false;
      live(process, seen);
    }
    engine.options = options;
    expect_nothing_lost(engine, seen);
    if (cutter.cuts() == 0) {
      EXPECT_LE(cutter.statements(), at);
      EXPECT_EQ(seen.acknowledged.size(), 261U);
      return "";
    }
    ++points_;
    entries_ += seen.acknowledged.size();
    checkpoints_ += seen.published.size();
    return cutter.statement();
  }

  std::size_t points_ = 0, entries_ = 0, checkpoints_ = 0;
};

TEST_F(ConnectionSweep, LosesNothingWhereverTheConnectionIsLost) {
  const char* wanted = std::getenv("AVOUCH_SWEEP");
  const bool all = wanted != nullptr && std::string(wanted) == "full";
  // Every statement; a sanitizer makes minutes of that.
  constexpr std::size_t kStride = testing::kSanitized ? 5 : 1;
  std::size_t commits = 0;
  for (std::size_t at = 0;; at += kStride) {
    const std::string statement = run(at, kLosses[at % kLosses.size()]);
    if (statement.empty() || HasFailure()) break;
    const bool commit = statement == "COMMIT";
    commits += commit ? 1 : 0;
    for (std::size_t more = 1; (all || commit) && more < kLosses.size(); ++more) {
      run(at, kLosses[(at + more) % kLosses.size()]);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(commits, 10U / kStride);
  EXPECT_GT(points_, 100U / kStride);
  EXPECT_GT(entries_, points_ * 50);
  std::printf(
      "connection lost at %zu points: %zu acknowledged entries and %zu checkpoints, none "
      "lost or contradicted\n",
      points_, entries_, checkpoints_);
}

}  // namespace
}  // namespace avouch::tlog
