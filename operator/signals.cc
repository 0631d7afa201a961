#include "operator/signals.h"

#include <utility>

namespace avouch::controller {
Signals::Signals(std::function<void()> on_fatal)
    : on_fatal_(std::move(on_fatal)),
      verification_(metrics_.histogram("avouch_heartbeat_seconds",
                                       "From a heartbeat's arrival to its verdict")) {}

void Signals::heartbeat(std::string_view node, std::string_view code,
                        std::chrono::microseconds took) {
  metrics_
      .counter("avouch_heartbeats_total", "Evidence that came by the intake, by result",
               {{"code", std::string(code)}})
      .add();
  verification_.observe(std::chrono::duration<double>(took).count());
  if (code != "Accepted") {
    log_.debug("evidence not accepted", {{"node", node}, {"code", code}});
  }
}

void Signals::verdict(std::string_view node, std::string_view phase, std::string_view reason,
                      std::uint64_t log_index) {
  metrics_
      .counter("avouch_verdicts_total", "Changes of a node's verdict, by phase and first reason",
               {{"phase", std::string(phase)}, {"reason", std::string(reason)}})
      .add();
  log_.info("verdict",
            {{"node", node}, {"phase", phase}, {"reason", reason}, {"entry", log_index}});
}

void Signals::problem(std::string_view what, std::string_view message) {
  metrics_
      .counter("avouch_controller_problems_total", "Faults that were survived, by part",
               {{"part", std::string(what)}})
      .add();
  if (!repeats_.is_due(what, message)) return;
  log_.warn("problem", {{"part", what}, {"error", message}});
}

void Signals::note(std::string_view what, std::string_view message) {
  log_.info("note", {{"part", what}, {"message", message}});
}

void Signals::fatal(std::string_view what, const Error& error) {
  log_.error("fatal: the process ends", {{"part", what}, {"error", error.message}});
  on_fatal_();
}

}  // namespace avouch::controller
