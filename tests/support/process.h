#pragma once

// Child processes of tests.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace avouch::testing {

// A program that ends with this object, and with the thread that started it: start it from a thread
// that lives as long as the test. Output goes to a file.
class ChildProcess {
 public:
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    const std::string& log_file);
  ChildProcess() = default;
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  bool running();           // also reaps
  void signal(int number);  // SIGSTOP, SIGCONT...
  void stop();              // SIGTERM, and SIGKILL after 20 s; waits
  void kill();              // SIGKILL; waits
  pid_t pid() const { return pid_; }
  // Of one that running() has found ended; -1 where a signal ended it, and before.
  int exit_status() const { return exit_status_; }

 private:
  pid_t pid_ = -1;
  int exit_status_ = -1;
};

// Runs a program to its end. kRejected with its output where it fails.
Result<void> run_command(const std::vector<std::string>& command);

// A TCP port on 127.0.0.1 that was free a moment ago.
int free_port();

// A folder of its own that is removed with this object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_text(const std::string& file);  // "" where there is none
void write_text(const std::string& file, const std::string& text);

}  // namespace avouch::testing
