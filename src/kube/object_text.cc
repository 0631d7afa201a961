#include "kube/object_text.h"

namespace avouch::kube {

Result<codec::Json> parse_object(std::string_view text, std::size_t max_bytes,
                                 const ReadObject& read) {
  if (!read) return codec::parse_json(text, {.bytes = max_bytes});
  AVOUCH_TRY(const codec::JsonDocument document,
             codec::JsonDocument::parse(text, {.bytes = max_bytes}));
  return read(document.root());
}

}  // namespace avouch::kube
