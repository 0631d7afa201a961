#include "inspect/answer_detail.h"

#include <string_view>

#include "codec/json.h"

namespace avouch::inspect {

std::string detail_of(const HttpResponse& response) {
  if (const auto body = codec::parse_json(response.body); body.has_value()) {
    for (const std::string_view member : {"detail", "message"}) {
      if (!body->text({member}).empty()) return std::string(body->text({member}));
    }
  }
  return response.body.substr(0, 300);
}

}  // namespace avouch::inspect
