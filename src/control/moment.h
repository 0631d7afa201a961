#pragma once

#include "base/clock.h"

namespace avouch::control {

// One reading of both clocks, taken by a loop and handed to pure code.
struct Moment {
  SystemTime wall{};
  SteadyTime steady{};
};

inline Moment read_clock(Clock& clock) { return {clock.now(), clock.steady_now()}; }

}  // namespace avouch::control
