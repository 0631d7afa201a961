#include "adapters/termination.h"

#include <unistd.h>

namespace avouch::adapters {

Termination::Termination() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int Termination::wait() const {
  int signal = 0;
  while (sigwait(&signals_, &signal) != 0) {
  }
  return signal;
}

void Termination::request() const { kill(getpid(), SIGTERM); }

}  // namespace avouch::adapters
