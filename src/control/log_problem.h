#pragma once

#include <optional>
#include <string>

#include "control/log_volume.h"
#include "tlog/log.h"

namespace avouch::control {

// Why nothing can be added to a log, and what to do, for whoever runs it; nothing where there is no
// such reason. `status`: the log's, null where it is not open yet. A log that is read-only is not
// meant: a person has to look there. Pure, but for the volume's SpaceSource.
std::optional<std::string> log_problem(const LogVolume& volume, const tlog::LogStatus* status,
                                       bool in_database);

}  // namespace avouch::control
