#pragma once

// What `status` finds and says ahead of its table.

#include <string>
#include <string_view>

#include "inspect/proof.h"

namespace avouch::inspect {

// What is so, in one line after the heading; what that means and what to do about it in a line
// each. Sentences without full stops, as others wrote them: they are made printable.
inline std::string finding_text(std::string_view heading, std::string_view found,
                                std::string_view effect, std::string_view remedy) {
  return std::string(heading) + ": " + printable(found) + ".\n  It means: " + printable(effect) +
         ".\n  To do: " + printable(remedy) + ".\n";
}

}  // namespace avouch::inspect
