#include "appraisal/log_dump.h"

#include <algorithm>
#include <utility>

#include "attest/reason_json.h"
#include "base/hex.h"
#include "bootlog/bind.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "runtimelog/codes.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/fields.h"
#include "runtimelog/log_replay.h"
#include "tpm/selection.h"

namespace avouch::appraisal {
namespace {

using attest::Checked;
using attest::Reason;
using codec::Json;

constexpr std::size_t kMaxShownText = 120;

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, runtimelog::kMaxPath)) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += "\\x" + to_hex(as_bytes(std::string_view(&c, 1)));
    }
  }
  return out;
}

bool is_runtime_log(ByteView log) {
  ByteReader reader(log);
  const auto first = reader.le32("PCR");
  return first.has_value() && *first == runtimelog::kImaPcr;
}

Checked<LogDump> dump_boot_log(ByteView bytes, const std::optional<tpm::PcrValues>& pcrs) {
  const auto log = bootlog::read_log(bytes);
  if (!log.has_value()) return log.reason();
  const auto replayed = bootlog::replay(log.value());
  LogDump out;
  std::optional<bootlog::BoundLog> bound;
  if (pcrs) {
    bound = bootlog::bind(log.value(), replayed, *pcrs);
    out.problems = bootlog::compare(log.value(), replayed, *pcrs);
  }
  for (const bootlog::ReplayedBank& bank : replayed) {
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      if (bank.extends.at(pcr) == 0) continue;
      out.replayed.push_back(
          {tpm::to_text(tpm::PcrId{bank.algorithm, pcr}), to_hex(bank.value(pcr))});
    }
  }
  std::uint64_t number = 0;
  for (const bootlog::Event& event : log->events()) {
    DumpedEvent each{.number = number,
                     .pcr = event.pcr,
                     .type = bootlog::event_type_name(event.type),
                     .binding = "",
                     .digests = {},
                     .fields = bootlog::describe(log.value(), event),
                     .diverges = false};
    if (bound && bound->is_proven(event)) {
      each.binding = bootlog::binding_name(bound->binding(static_cast<std::size_t>(number)));
    }
    for (const bootlog::LogBank& bank : log->banks()) {
      if (!bank.algorithm) continue;
      const ByteView digest = log->digest(event, *bank.algorithm);
      if (digest.empty()) continue;
      each.digests.push_back({std::string(crypto::hash_name(*bank.algorithm)), to_hex(digest)});
    }
    each.diverges = std::any_of(out.problems.begin(), out.problems.end(), [&](const Reason& r) {
      return r.event && r.event->number == number;
    });
    out.events.push_back(std::move(each));
    ++number;
  }
  return out;
}

DumpedEvent dumped(const runtimelog::Entry& entry) {
  DumpedEvent out{.number = entry.number,
                  .pcr = runtimelog::kImaPcr,
                  .type = printable(entry.template_name),
                  .binding = "",
                  .digests = {},
                  .fields = {},
                  .diverges = false};
  const auto fields = runtimelog::read_fields(entry);
  if (!fields.has_value()) {
    out.fields.push_back({"fields", "(" + fields.error().message + ")"});
    return out;
  }
  out.digests.push_back({printable(fields->algorithm), to_hex(fields->digest)});
  out.fields.push_back({"path", printable(fields->path)});
  if (entry.is_violation()) out.fields.push_back({"violation", "true"});
  if (!fields->signature.empty()) {
    out.fields.push_back({"signature", std::to_string(fields->signature.size()) + " bytes"});
  }
  return out;
}

Checked<LogDump> dump_runtime_log(ByteView bytes, const std::optional<tpm::PcrValues>& pcrs) {
  LogDump out;
  out.kind = LogDump::Kind::kRuntimeLog;
  runtimelog::EntryReader reader(0, 0);
  auto read = reader.feed(bytes, [&](const runtimelog::Entry& entry) -> Result<void> {
    if (out.events.size() == kMaxDumpedEntries) {
      return rejected("more than " + std::to_string(kMaxDumpedEntries) + " entries");
    }
    out.events.push_back(dumped(entry));
    return {};
  });
  if (read.has_value()) read = reader.finish();
  if (!read.has_value()) return attest::refuse("RuntimeLogMalformed", read.error().message);
  if (!pcrs) return out;
  auto replay = runtimelog::LogReplay::begin({}, {}, *pcrs);
  if (!replay.has_value()) {
    out.problems.push_back(replay.reason());
    return out;
  }
  if (const auto fed = replay->feed(bytes); !fed.has_value()) return fed.reason();
  const auto replayed = replay->finish();
  if (!replayed.has_value()) return replayed.reason();
  if (!replayed->met) {
    out.problems.push_back(*replayed->reason);
  } else if (replayed->unproven_entries > 0) {
    const std::uint64_t proven = replayed->state.entries();
    if (proven == 0) {
      out.problems.push_back(
          attest::refuse(runtimelog::code::kLogNotReplayed,
                         "PCR 10 is that of a log without entries, and this one has some: it is of "
                         "another boot, or the values were read before the first entry"));
    }
    for (DumpedEvent& each : out.events) each.diverges = each.number == proven + 1;
  }
  return out;
}

std::string summary_of(const DumpedEvent& event) {
  std::string out;
  for (const attest::ReasonField& field : event.fields) {
    if (!out.empty()) out += ", ";
    out +=
        field.name == "text" || field.name == "path" ? field.value : field.name + "=" + field.value;
    if (out.size() > kMaxShownText) return out.substr(0, kMaxShownText) + "...";
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

Checked<LogDump> dump_log(ByteView log, const std::optional<tpm::PcrValues>& pcrs) {
  return is_runtime_log(log) ? dump_runtime_log(log, pcrs) : dump_boot_log(log, pcrs);
}

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
  return out;
}

std::string to_table(const LogDump& dump) {
  std::size_t type = 4;
  for (const DumpedEvent& event : dump.events) type = std::max(type, event.type.size());
  std::string out = "    NUMBER  PCR  " + padded("TYPE", type) + "  DIGEST OF          WHAT\n";
  for (const DumpedEvent& event : dump.events) {
    out += event.diverges || !event.reasons.empty() ? ">>> " : "    ";
    out += padded(std::to_string(event.number), 6) + "  ";
    out += padded(event.pcr < tpm::kPcrCount ? std::to_string(event.pcr) : "-", 3) + "  ";
    out += padded(event.type, type) + "  " + padded(event.binding, 17) + "  " + summary_of(event);
    for (const std::string& code : event.reasons) out += "  <- " + code;
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  for (const Reason& reason : dump.problems) out += reason.code + ": " + reason.message + "\n";
  return out;
}

std::string to_yaml(const Json& json) {
  std::string out;
  put_yaml(json, 0, out);
  return out;
}

}  // namespace avouch::appraisal
