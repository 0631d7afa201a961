#include "control/admission_entries.h"

#include <array>
#include <utility>

#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"

namespace avouch::control {
namespace {

using codec::Cbor;

constexpr std::size_t kMaxIdBytes = 120;

Result<std::string> text_member(const Cbor& payload, std::string_view name) {
  const Cbor* member = payload.find(name);
  const std::string* text = member == nullptr ? nullptr : member->as_text();
  if (text == nullptr) return rejected("\"" + std::string(name) + "\": expected a text");
  return *text;
}

bool is_decision(std::string_view text) { return text == "allow" || text == "deny"; }

bool is_operation(std::string_view text) {
  return text == "pods" || text == "pods/binding" || text == "bindings";
}

Result<AdmissionEntry> read_entry(std::string id, ByteView bytes) {
  auto payload =
      codec::parse_cbor(bytes, {.bytes = kMaxAdmissionPayload, .depth = 8, .items = 4096});
  if (!payload.has_value()) return with_context(std::move(payload).error(), "payload");
  if (payload->as_map() == nullptr) return rejected("payload: expected a map");

  AVOUCH_TRY(const std::string own_id, text_member(*payload, "id"));
  if (own_id != id) return rejected("payload: \"id\" is not the entry's id");
  const Cbor* time = payload->find("time");
  if (time == nullptr || time->as_integer() == nullptr) {
    return rejected("payload: \"time\": expected Unix milliseconds");
  }
  AVOUCH_TRY(const std::string decision, text_member(*payload, "decision"));
  if (!is_decision(decision)) return rejected("payload: \"decision\": expected allow or deny");
  AVOUCH_TRY(const std::string operation, text_member(*payload, "operation"));
  if (!is_operation(operation)) {
    return rejected("payload: \"operation\": expected pods, pods/binding or bindings");
  }
  AdmissionEntry entry;
  AVOUCH_TRY(entry.pod_namespace, text_member(*payload, "namespace"));
  AVOUCH_TRY(entry.pod, text_member(*payload, "pod"));
  entry.id = std::move(id);
  entry.decision = decision;
  entry.payload = *std::move(payload);
  entry.bytes = bytes.size();
  return entry;
}

}  // namespace

Result<std::vector<AdmissionEntry>> parse_admission_entries(std::string_view body) {
  AVOUCH_TRY(const codec::Json json,
             codec::parse_json(body, {.bytes = kMaxAdmissionBytes, .depth = 8}));
  codec::FieldErrors errors;
  codec::Fields fields(json, "", errors);
  std::vector<AdmissionEntry> out;
  for (codec::Fields& item : fields.objects("entries", kMaxAdmissionEntries)) {
    std::string id = item.required_string("id", kMaxIdBytes);
    const auto payload = item.base64("payload", kMaxAdmissionPayload);
    item.finish();
    if (id.empty()) item.error("id", "expected the AdmissionReview's UID");
    if (!payload) item.error("payload", "expected base64 of CBOR");
    if (id.empty() || !payload) continue;
    auto entry = read_entry(std::move(id), *payload);
    if (entry.has_value()) {
      out.push_back(*std::move(entry));
    } else {
      item.error("", entry.error().message);
    }
  }
  fields.finish();
  if (errors.empty() && out.empty()) errors.add("entries", "expected 1 to 1024 entries");
  if (!errors.empty()) return rejected(errors.text());
  return out;
}

}  // namespace avouch::control
