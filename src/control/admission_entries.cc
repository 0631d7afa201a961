#include "control/admission_entries.h"

#include <array>
#include <utility>

#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"
#include "codec/utf8.h"

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

std::string item_of(const std::string& path, std::size_t i) {
  return path + "[" + std::to_string(i) + "]";
}

std::string member_of(const std::string& path, const std::string& quoted) {
  return path.empty() ? quoted : path + "." + quoted;
}

// Where in the payload something is too long: "\"reasons\"[2].\"message\"". At most as deep as
// the payload was read.
Result<void> check_lengths(const Cbor& value, const std::string& path) {
  const auto check = [&](std::size_t size) -> Result<void> {
    if (size <= kMaxAdmissionText) return {};
    return rejected(path + ": is of " + std::to_string(size) + " bytes; expected at most " +
                    std::to_string(kMaxAdmissionText));
  };
  if (const std::string* text = value.as_text()) return check(text->size());
  if (const Bytes* bytes = value.as_bytes()) return check(bytes->size());
  if (const Cbor::Array* array = value.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      AVOUCH_CHECK(check_lengths((*array)[i], item_of(path, i)));
    }
  }
  if (const Cbor::Map* map = value.as_map()) {
    for (const auto& [key, member] : *map) {
      AVOUCH_CHECK(check_lengths(key, path.empty() ? "a key" : path + ": a key"));
      const std::string* name = key.as_text();
      if (name == nullptr) return rejected("a key that is no text");
      const std::string quoted = codec::in_quotes(*name);
      AVOUCH_CHECK(check_lengths(member, member_of(path, quoted)));
    }
  }
  return {};
}

Result<void> check_time(const Cbor& payload, SystemTime now) {
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  const Cbor* time = payload.find("time");
  const std::int64_t* millis = time == nullptr ? nullptr : time->as_integer();
  if (millis == nullptr) return rejected("\"time\": expected Unix milliseconds");
  const Cbor* late = payload.find("late");
  const bool* is_late = late == nullptr ? nullptr : late->as_boolean();
  if (late != nullptr && is_late == nullptr) return rejected("\"late\": expected true or false");
  const bool is_time = *millis >= 0 && *millis < kYear10000;
  if (!is_time) {
    return rejected("\"time\": is " + std::to_string(*millis) + "; expected Unix milliseconds");
  }
  if (is_late != nullptr && *is_late) return {};
  const SystemTime first = now - kMostBehind, last = now + kMostAhead;
  if (*millis >= first.time_since_epoch().count() && *millis <= last.time_since_epoch().count()) {
    return {};
  }
  return rejected("\"time\": is " + to_rfc3339(SystemTime(std::chrono::milliseconds(*millis))) +
                  " by the webhook's clock, and it is " + to_rfc3339(now) +
                  " by the controller's; expected from " + to_rfc3339(first) + " to " +
                  to_rfc3339(last) + " unless it is \"late\": set the clocks of both nodes right");
}

Result<AdmissionEntry> read_entry(std::string id, ByteView bytes, SystemTime now) {
  auto payload =
      codec::parse_cbor(bytes, {.bytes = kMaxAdmissionPayload, .depth = 8, .items = 4096});
  if (!payload.has_value()) return with_context(std::move(payload).error(), "payload");
  if (payload->as_map() == nullptr) return rejected("payload: expected a map");

  AVOUCH_TRY(const std::string own_id, text_member(*payload, "id"));
  if (own_id != id) return rejected("payload: \"id\" is not the entry's id");
  for (const Result<void>& checked : {check_lengths(*payload, ""), check_time(*payload, now)}) {
    if (!checked.has_value()) return with_context(checked.error(), "payload");
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

Result<std::vector<AdmissionEntry>> parse_admission_entries(std::string_view body, SystemTime now) {
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
    auto entry = read_entry(std::move(id), *payload, now);
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
