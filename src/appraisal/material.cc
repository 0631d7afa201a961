#include "appraisal/material.h"

#include "codec/utf8.h"

namespace avouch::appraisal {

Result<void> require_text(const codec::Json& config_map) {
  const codec::Json* binary = config_map.find("binaryData");
  const auto* entries = binary == nullptr ? nullptr : binary->as_object();
  if (entries == nullptr || entries->empty()) return {};
  const std::string more =
      entries->size() == 1 ? "" : " and " + std::to_string(entries->size() - 1) + " more";
  return rejected("has " + codec::in_quotes(entries->begin()->first) + more +
                  " in binaryData, as what is not text: expected text, in data; convert a "
                  "certificate in DER to PEM, openssl x509 -inform DER -in FILE -out FILE.pem, and "
                  "put that in its place");
}

}  // namespace avouch::appraisal
