#include "inspect/entry_text.h"

#include "base/hex.h"

namespace avouch::inspect {

codec::Json payload_json(const codec::Cbor& payload) {
  if (const auto* value = payload.as_integer()) return *value;
  if (const auto* value = payload.as_boolean()) return *value;
  if (const auto* value = payload.as_text()) return *value;
  if (const auto* value = payload.as_bytes()) return to_hex(*value);
  if (const auto* list = payload.as_array()) {
    codec::Json::Array out;
    for (const codec::Cbor& item : *list) out.push_back(payload_json(item));
    return out;
  }
  if (const auto* map = payload.as_map()) {
    codec::Json::Object out;
    for (const auto& [key, value] : *map) {
      const std::string* text = key.as_text();
      const std::int64_t* number = key.as_integer();
      const std::string name = text != nullptr     ? *text
                               : number != nullptr ? std::to_string(*number)
                                                   : "?";
      out.insert_or_assign(name, payload_json(value));
    }
    return out;
  }
  return nullptr;
}

}  // namespace avouch::inspect
