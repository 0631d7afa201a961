#pragma once

// Kubernetes objects as YAML for people, which config::parse_objects reads back as they were.

#include <span>
#include <string>

#include "codec/json.h"

namespace avouch::provision {

// One document an object, with "---" between them; members in the order of their names. `remarks`
// stand in front, each line of them as a comment. Doubles are not expected.
std::string to_yaml(std::span<const codec::Json> objects, std::span<const std::string> remarks);

}  // namespace avouch::provision
