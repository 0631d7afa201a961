#include "log/server_signals.h"

#include <string>

namespace avouch::logprogram {

void ServerSignals::problem(std::string_view what, std::string_view message) {
  metrics_
      .counter("avouch_log_server_problems_total", "Faults that were survived, by part",
               {{"part", std::string(what)}})
      .add();
  if (repeats_.is_due(what, message)) log_.warn("problem", {{"part", what}, {"error", message}});
}

void ServerSignals::note(std::string_view what, std::string_view message) {
  log_.info("note", {{"part", what}, {"message", message}});
}

void ServerSignals::fatal(std::string_view what, const Error& error) {
  log_.error("fatal: the process ends", {{"part", what}, {"error", error.message}});
  on_fatal_();
}

}  // namespace avouch::logprogram
