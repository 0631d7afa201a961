// Loaded into a program before its own libraries (LD_PRELOAD): its wall clock is AVOUCH_CLOCK_AHEAD
// milliseconds ahead. Clocks that only tell how much time has passed are as they were.

#include <dlfcn.h>
#include <time.h>

#include <cstdlib>

extern "C" int clock_gettime(clockid_t clock, struct timespec* out) noexcept {
  using Real = int (*)(clockid_t, struct timespec*);
  static const Real real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "clock_gettime"));
  static const char* const text = std::getenv("AVOUCH_CLOCK_AHEAD");
  static const long long ahead = text == nullptr ? 0 : std::strtoll(text, nullptr, 10);
  const int outcome = real(clock, out);
  if (outcome != 0 || clock != CLOCK_REALTIME) return outcome;
  const long long nanos = out->tv_nsec + ahead % 1000 * 1'000'000;
  out->tv_sec += static_cast<time_t>(ahead / 1000 + nanos / 1'000'000'000);
  out->tv_nsec = static_cast<long>(nanos % 1'000'000'000);
  return outcome;
}
