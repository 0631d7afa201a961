#pragma once

#include <string>

#include "attest/reason.h"

namespace avouch::attest {

// Why a check refused, or "" where it did not.
template <class T>
std::string code_of(const Checked<T>& checked) {
  return checked.has_value() ? "" : checked.reason().code;
}

}  // namespace avouch::attest
