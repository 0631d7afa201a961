#pragma once

#include <string_view>

#include "base/bytes.h"

namespace avouch::attest {

// `text` after its length as 64 bits, so that two texts in a row cannot be taken for two others.
inline void append_counted(Bytes& out, std::string_view text) {
  append_be64(out, text.size());
  append(out, text);
}

}  // namespace avouch::attest
