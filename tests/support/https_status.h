#pragma once

#include <cstdint>
#include <string>

namespace avouch::testing {

// The status of a server's answer to GET on 127.0.0.1, whatever its certificate; 0 where there is
// none within five seconds.
int https_status(std::uint16_t port, const std::string& path);

}  // namespace avouch::testing
