#pragma once

// Takes a list answer apart without parsing its items, so that one bad object spoils no other.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace avouch::kube {

struct SplitList {
  std::string envelope;                 // the document with an empty `items`
  std::vector<std::string_view> items;  // the text of each item; lives as long as the input
};

// Only the places of the items are found here: envelope and items are still to be parsed strictly.
// kRejected if the document is no object or the end of a part cannot be found. Linear in time.
Result<SplitList> split_list(std::string_view text);

}  // namespace avouch::kube
