// A decoded log as JSON, as a table and as YAML.

#include <algorithm>
#include <utility>

#include "appraisal/log_dump.h"
#include "attest/reason_json.h"

namespace avouch::appraisal {
namespace {

using attest::Reason;
using codec::Json;

std::string summary_of(const DumpedEvent& event, std::size_t max_text) {
  std::string out;
  for (const attest::ReasonField& field : event.fields) {
    if (!out.empty()) out += ", ";
    out +=
        field.name == "text" || field.name == "path" ? field.value : field.name + "=" + field.value;
    if (out.size() > max_text) return out.substr(0, max_text) + "...";
  }
  return out;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

Json members(const std::vector<attest::ReasonField>& fields) {
  // A list, for names may come more than once (signatures of a database).
  Json::Array out;
  for (const attest::ReasonField& field : fields) {
    out.push_back(Json::Object{{"name", field.name}, {"value", field.value}});
  }
  return out;
}

void put_yaml(const Json& json, std::size_t indent,
              std::string& out) {  // NOLINT(misc-no-recursion)
  const std::string lead(indent, ' ');
  if (const auto* object = json.as_object(); object != nullptr && !object->empty()) {
    for (const auto& [name, value] : *object) {
      const bool nested = (value.as_object() != nullptr && !value.as_object()->empty()) ||
                          (value.as_array() != nullptr && !value.as_array()->empty());
      out += lead + name + ":" + (nested ? "\n" : " ");
      put_yaml(value, nested ? indent + 2 : 0, out);
    }
    return;
  }
  if (const auto* array = json.as_array(); array != nullptr && !array->empty()) {
    for (const Json& each : *array) {
      std::string item;
      put_yaml(each, indent + 2, item);
      // The dash takes the place of the first line's indent.
      const std::size_t text = item.find_first_not_of(' ');
      out += lead + "- " + item.substr(std::min(text, item.size()));
    }
    return;
  }
  out += lead + codec::to_json(json) + "\n";  // JSON's scalars are YAML's
}

}  // namespace

Json to_json(const LogDump& dump) {
  Json::Array events;
  for (const DumpedEvent& event : dump.events) {
    Json each{Json::Object{{"number", static_cast<std::int64_t>(event.number)},
                           {"pcr", std::int64_t{event.pcr}},
                           {"type", event.type},
                           {"digests", members(event.digests)},
                           {"fields", members(event.fields)}}};
    if (!event.binding.empty()) each["digestOf"] = event.binding;
    if (event.diverges) each["diverges"] = true;
    if (!event.reasons.empty()) {
      each["reasons"] = Json::Array(event.reasons.begin(), event.reasons.end());
    }
    events.push_back(std::move(each));
  }
  Json::Array problems;
  for (const Reason& reason : dump.problems) problems.push_back(attest::to_json(reason));
  Json out{Json::Object{{"kind", dump.kind == LogDump::Kind::kBootLog ? "BootLog" : "RuntimeLog"},
                        {"events", std::move(events)},
                        {"problems", std::move(problems)}}};
  if (dump.kind == LogDump::Kind::kBootLog) out["replayed"] = members(dump.replayed);
  if (dump.notes.empty()) return out;
  out["notes"] = Json::Array(dump.notes.begin(), dump.notes.end());
  out["compared"] = Json::Object{};
  for (const tpm::BankSelection& bank : dump.compared) {
    Json::Array pcrs;
    for (unsigned pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      if (bank.has(pcr)) pcrs.emplace_back(std::int64_t{pcr});
    }
    out["compared"][crypto::hash_name(bank.bank)] = std::move(pcrs);
  }
  if (dump.proven_entries) out["provenEntries"] = static_cast<std::int64_t>(*dump.proven_entries);
  return out;
}

std::string to_table(const LogDump& dump, std::size_t max_text) {
  std::size_t type = 4;
  for (const DumpedEvent& event : dump.events) type = std::max(type, event.type.size());
  std::string out = "    NUMBER  PCR  " + padded("TYPE", type) + "  DIGEST OF          WHAT\n";
  for (const DumpedEvent& event : dump.events) {
    out += event.diverges || !event.reasons.empty() ? ">>> " : "    ";
    out += padded(std::to_string(event.number), 6) + "  ";
    out += padded(event.pcr < tpm::kPcrCount ? std::to_string(event.pcr) : "-", 3) + "  ";
    out += padded(event.type, type) + "  " + padded(event.binding, 17) + "  " +
           summary_of(event, max_text);
    for (const std::string& code : event.reasons) out += "  <- " + code;
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  for (const std::string& note : dump.notes) out += note + "\n";
  for (const Reason& reason : dump.problems) out += reason.code + ": " + reason.message + "\n";
  return out;
}

std::string to_yaml(const Json& json) {
  std::string out;
  put_yaml(json, 0, out);
  return out;
}

}  // namespace avouch::appraisal
