#pragma once

// What the recorder keeps of one verdict. Internal to it.

#include <optional>

#include "admission/verdict_recorder.h"

namespace avouch::admission {

struct VerdictRecorder::Entry {
  std::string id;
  Need need = Need::kLog;
  SteadyTime give_up{};
  MakePayload make;
  Done done;
  std::string caller;
  bool settled = false;
  bool counted = false;   // in denials_waiting_
  bool to_spool = false;  // no longer for the queue
  bool alone = false;     // one of its batch was refused: each of them goes by itself
  Queue* waits_in = nullptr;
  Queue::iterator place{};  // there
  std::optional<Timers::iterator> timer;
};

}  // namespace avouch::admission
