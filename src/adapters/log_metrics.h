#pragma once

// What whoever writes a log shows of it in metrics: the controller, and `avouch-log serve`.

#include "control/log_check.h"
#include "control/log_volume.h"
#include "control/registration_handler.h"
#include "control/rekor_handler.h"
#include "observe/metrics.h"
#include "tlog/log.h"
#include "tlog/witnessing.h"

namespace avouch::adapters {

void show_log(observe::Metrics& metrics, const tlog::LogStatus& status);
void show_log_check(observe::Metrics& metrics, const control::LogCheckProgress& check);
void show_witnessing(observe::Metrics& metrics, const tlog::Witnessing& witnessing);
// Nothing where the file system does not say.
void show_log_volume(observe::Metrics& metrics, const control::LogVolume& volume);
void show_registrations(observe::Metrics& metrics, control::RegistrationHandler::Counts counts);
void show_hashed_rekords(observe::Metrics& metrics, control::RekorHandler::Counts counts);

}  // namespace avouch::adapters
