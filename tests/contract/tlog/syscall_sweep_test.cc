// The log on files, with a real kernel below it: at every occurrence of every system call on the
// log's files the call fails, or the process is killed there. Then the log is started again: no
// acknowledged entry is lost, moved or changed, and no published checkpoint contradicted.
//
// strace injects the faults. The thread sanitizer's runtime makes calls of its own by the thousand:
// under it there is no such test.

#if !defined(__SANITIZE_THREAD__)

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "contract/tlog/one_life.h"
#include "support/process.h"

namespace avouch::tlog {
namespace {

using testing::ChildProcess;
using testing::FilesLogEngine;
using testing::LogProcess;

// What a process has told the world outside, in memory that outlives it.
class SharedSeen {
 public:
  SharedSeen() {
    void* memory =
        ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    table_ = new (memory) Table;
  }
  ~SharedSeen() { ::munmap(table_, sizeof(Table)); }
  SharedSeen(const SharedSeen&) = delete;
  SharedSeen& operator=(const SharedSeen&) = delete;

  Witnesses witnesses() {
    return {[this](const std::string& id, const Sequenced& place) {
              const std::size_t at = table_->acknowledged.load();
              Acknowledged& one = table_->places.at(at);
              std::strncpy(one.id, id.c_str(), sizeof one.id - 1);
              one.place = place;
              table_->acknowledged.store(at + 1);
            },
            [this](const Published& checkpoint) {
              const std::size_t at = table_->published.load();
              table_->checkpoints.at(at) = checkpoint;
              table_->published.store(at + 1);
            }};
  }

  // An entry that was acknowledged twice has one place.
  Seen seen() const {
    Seen out;
    for (std::size_t i = 0; i < table_->acknowledged.load(); ++i) {
      const Acknowledged& one = table_->places.at(i);
      const auto [kept, is_new] = out.acknowledged.try_emplace(one.id, one.place);
      EXPECT_EQ(kept->second.index, one.place.index) << one.id;
      EXPECT_EQ(kept->second.leaf, one.place.leaf) << one.id;
    }
    for (std::size_t i = 0; i < table_->published.load(); ++i) {
      out.published.push_back(table_->checkpoints.at(i));
    }
    return out;
  }

 private:
  struct Acknowledged {
    char id[8] = {};
    Sequenced place;
  };
  struct Table {
    std::atomic<std::size_t> acknowledged{0}, published{0};
    std::array<Acknowledged, 1024> places;
    std::array<Published, 64> checkpoints;
  };
  Table* table_ = nullptr;
};

// Stops until somebody traces it, then lives twice on the same files.
[[noreturn]] void live_traced(FilesLogEngine& engine, SharedSeen& seen) try {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::raise(SIGSTOP);
  for (int life = 0; life < 2; ++life) {
    LogProcess process(engine);
    process.with_faults = false;
    live(process, seen.witnesses());
  }
  ::_exit(0);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  ::_exit(1);  // as a program ends then; the files are the parent's to look at and to remove
}

bool is_traced(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("TracerPid:"))
      return line.substr(10).find_first_of("123456789") != line.npos;
  }
  return false;
}

// How often each system call on a path below `folder` occurs, in the thread that makes most of
// them: strace counts by thread.
std::map<std::string, int> count_calls(const std::string& trace, const std::string& folder) {
  std::map<std::pair<std::string, std::string>, int> all, last;
  std::ifstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t thread = line.find(' ');
    const std::size_t call = line.find_first_not_of(' ', thread);
    const std::size_t arguments = line.find('(', call);
    if (call == line.npos || arguments == line.npos || line[call] == '<') continue;
    const std::pair key(line.substr(0, thread), line.substr(call, arguments - call));
    const int number = ++all[key];
    if (line.find(folder) != line.npos) last[key] = number;
  }
  std::map<std::string, int> most;
  for (const auto& [key, number] : last) most[key.second] = std::max(most[key.second], number);
  return most;
}

class SyscallSweep : public ::testing::Test {
 protected:
  // Runs the log with `words` for strace, and then without. Returns strace's record.
  std::string run(FilesLogEngine& engine, std::vector<std::string> words, Seen& seen) {
    SharedSeen shared;
    (void)testing::test_log_signer();  // the same in both processes
    const pid_t child = ::fork();
    if (child == 0) live_traced(engine, shared);
    int status = 0;
    ::waitpid(child, &status, WUNTRACED);
    const std::string trace = folder_ / "trace";
    std::vector<std::string> command{"strace", "-f", "-y", "-qq", "-o", trace};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"-p", std::to_string(child)});
    ChildProcess tracer = ChildProcess::start(command, folder_ / "strace.log").value();
    while (!is_traced(child)) {
      if (!tracer.running()) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        throw std::runtime_error("strace: " + testing::read_text(folder_ / "strace.log"));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, SIGCONT);
    ::waitpid(child, &status, 0);
    while (tracer.running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ended_well_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    seen = shared.seen();
    return testing::read_text(trace);
  }

  testing::TempDir folder_;
  bool ended_well_ = false, killed_ = false;
};

TEST_F(SyscallSweep, LosesNothingWhicheverCallFailsOrIsTheLast) {
  const char* wanted = std::getenv("AVOUCH_SWEEP");
  const bool all = wanted != nullptr && std::string(wanted) == "full";
  std::map<std::string, int> calls;
  {
    FilesLogEngine engine;
    Seen seen;
    run(engine, {"-e", "trace=%file,%desc"}, seen);
    ASSERT_TRUE(ended_well_);
    EXPECT_EQ(seen.acknowledged.size(), 261U);
    calls = count_calls(folder_ / "trace", engine.log_directory().parent_path());
  }
  ASSERT_GT(calls["fsync"] + calls["fdatasync"], 10);
  ASSERT_GT(calls["rename"] + calls["renameat"] + calls["renameat2"], 5);

  const std::vector<std::string> faults{"signal=SIGKILL", "error=EIO", "error=ENOSPC"};
  std::size_t number = 0, points = 0, kills = 0, entries = 0, checkpoints = 0;
  for (const auto& [call, count] : calls) {
    for (int at = 1; at <= count; ++at) {
      for (const std::string& fault : faults) {
        if (number++ % 29 != 0 && !all) continue;
        std::ostringstream injected;
        injected << call << ':' << fault << ":when=" << at;
        SCOPED_TRACE(injected.str());
        FilesLogEngine engine;
        Seen seen;
        const std::string trace =
            run(engine, {"-e", "trace=" + call, "-e", "inject=" + injected.str()}, seen);
        expect_nothing_lost(engine, seen);
        if (HasFailure()) return;
        EXPECT_TRUE(ended_well_ || killed_) << "it ended by an exception";
        kills += killed_ ? 1U : 0U;
        points += killed_ || trace.find("(INJECTED)") != trace.npos ? 1U : 0U;
        entries += seen.acknowledged.size();
        checkpoints += seen.published.size();
      }
    }
  }
  EXPECT_GT(points, all ? 300U : 15U);
  EXPECT_GT(kills, all ? 100U : 5U);
  std::printf(
      "%zu faults, %zu of them kills: %zu acknowledged entries and %zu checkpoints, none "
      "lost or contradicted\n",
      points, kills, entries, checkpoints);
}

}  // namespace
}  // namespace avouch::tlog

#endif
