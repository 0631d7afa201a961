#include "control/secret_data.h"

#include <utility>

#include "codec/base64.h"

namespace avouch::control {

using codec::Json;

Result<SecretData> read_secret(const Json& secret) {
  SecretData out;
  const Json* data = secret.find("data");
  if (data == nullptr || !data->is_object()) return out;
  for (const auto& [name, value] : *data->as_object()) {
    const std::string* text = value.as_string();
    auto bytes =
        text == nullptr ? Result<Bytes>(rejected("expected a text")) : codec::from_base64(*text);
    if (!bytes.has_value()) return with_context(std::move(bytes).error(), "data." + name);
    out[name] = as_text(*bytes);
  }
  return out;
}

Json make_secret(const std::string& ns, const std::string& name, const std::string& type,
                 const SecretData& data, const std::string& resource_version,
                 const Json::Object& annotations) {
  Json members{Json::Object{}};
  for (const auto& [key, value] : data) members[key] = codec::to_base64(as_bytes(value));
  Json out = Json::Object{{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", Json::Object{{"name", name}, {"namespace", ns}}},
                          {"type", type},
                          {"data", std::move(members)}};
  if (!resource_version.empty()) out["metadata"]["resourceVersion"] = resource_version;
  if (!annotations.empty()) out["metadata"]["annotations"] = annotations;
  return out;
}

}  // namespace avouch::control
