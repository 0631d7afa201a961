#include "attest/reason_json.h"

#include <algorithm>
#include <array>
#include <utility>

namespace avouch::attest {
namespace {

using codec::Fields;
using codec::Json;

constexpr std::int64_t kMaxNumber = 9007199254740991;  // of JSON that everybody reads alike
constexpr std::uint32_t kPcrs = 24;                    // what a log may claim beyond is no PCR
constexpr std::size_t kMaxFields = 64;
constexpr std::size_t kMaxText = 64 * 1024;

Status read_severity(Fields& fields) {
  const auto name = fields.one_of("severity", {"none", "affirming", "warning", "contraindicated"});
  for (const Status status : {Status::kNone, Status::kAffirming, Status::kWarning}) {
    if (name == status_name(status)) return status;
  }
  if (!name) fields.error("severity", "is required");
  return Status::kContraindicated;
}

}  // namespace

Json to_json(const Reason& reason) {
  Json out{Json::Object{{"code", reason.code},
                        {"severity", status_name(reason.severity)},
                        {"message", reason.message}}};
  if (reason.event) {
    out["event"] = Json::Object{{"number", std::int64_t{reason.event->number}}};
    if (reason.event->pcr && *reason.event->pcr < kPcrs)
      out["event"]["pcr"] = std::int64_t{*reason.event->pcr};
  }
  if (reason.line) {
    const auto number = std::min<std::uint64_t>(reason.line->line, kMaxNumber);
    out["line"] =
        Json::Object{{"file", reason.line->file}, {"number", static_cast<std::int64_t>(number)}};
  }
  Json::Array fields;
  for (const ReasonField& field : reason.fields) {
    fields.push_back(Json::Object{{"name", field.name}, {"value", field.value}});
  }
  if (!fields.empty()) out["fields"] = std::move(fields);
  if (!reason.suggestion.empty()) out["suggestion"] = reason.suggestion;
  return out;
}

Reason read_reason(Fields fields) {
  Reason out;
  out.code = fields.required_string("code", 64);
  out.severity = read_severity(fields);
  out.message = fields.required_string("message", kMaxText);
  if (auto event = fields.object("event")) {
    EventPlace place;
    place.number = static_cast<std::uint32_t>(event->required_integer("number", 0, 0xffffffff));
    if (const auto pcr = event->integer("pcr", 0, kPcrs - 1)) {
      place.pcr = static_cast<std::uint32_t>(*pcr);
    }
    out.event = place;
    event->finish();
  }
  if (auto line = fields.object("line")) {
    out.line =
        LinePlace{line->string("file", kMaxText).value_or(""),
                  static_cast<std::uint64_t>(line->required_integer("number", 0, kMaxNumber))};
    line->finish();
  }
  for (Fields& each : fields.objects("fields", kMaxFields)) {
    out.fields.push_back(
        {each.required_string("name", 256), each.string("value", kMaxText).value_or("")});
    each.finish();
  }
  out.suggestion = fields.string("suggestion", kMaxText).value_or("");
  fields.finish();
  return out;
}

}  // namespace avouch::attest
