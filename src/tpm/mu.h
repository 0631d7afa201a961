#pragma once

// Calls tss2-mu so that nothing but the whole input is ever one structure. Private to tpm/.

#include <tss2/tss2_mu.h>

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::tpm {

// `unmarshal` reads a T from the whole of `input`; `marshal` writes it back, which must give the
// same bytes: one value has one encoding.
template <typename T>
Result<std::unique_ptr<T>> unmarshal_whole(ByteView input, std::string_view what,
                                           TSS2_RC (*unmarshal)(const uint8_t*, size_t, size_t*,
                                                                T*),
                                           TSS2_RC (*marshal)(const T*, uint8_t*, size_t,
                                                              size_t*)) {
  if (input.empty()) return rejected(std::string(what) + ": is empty");
  auto value = std::make_unique<T>();
  size_t offset = 0;
  if (unmarshal(input.data(), input.size(), &offset, value.get()) != TSS2_RC_SUCCESS) {
    return rejected(std::string(what) + ": not a well-formed structure in " +
                    std::to_string(input.size()) + " bytes");
  }
  if (offset != input.size()) {
    return rejected(std::string(what) + ": ends after " + std::to_string(offset) + " of " +
                    std::to_string(input.size()) + " bytes, expected no trailing bytes");
  }
  Bytes again(input.size());
  size_t written = 0;
  if (marshal(value.get(), again.data(), again.size(), &written) != TSS2_RC_SUCCESS ||
      written != input.size() || !equal(again, input)) {
    return rejected(std::string(what) + ": not in canonical form");
  }
  return value;
}

}  // namespace avouch::tpm
