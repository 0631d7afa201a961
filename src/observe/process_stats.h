#pragma once

namespace avouch::observe {

// Of this process, from /proc/self; zero where it cannot be read.
struct ProcessStats {
  double resident_bytes = 0;
  double cpu_seconds = 0;
  double open_files = 0;
};
ProcessStats read_process_stats();

}  // namespace avouch::observe
