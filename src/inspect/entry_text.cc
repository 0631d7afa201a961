#include "inspect/entry_text.h"

#include <algorithm>

#include "base/hex.h"
#include "base/time_text.h"
#include "tlog/entry.h"
#include "tlog/remark.h"

namespace avouch::inspect {

using codec::Cbor;

namespace {

// When the entry was made, in milliseconds of Unix time.
std::optional<std::int64_t> millis_of(const Cbor& payload) {
  const auto time = integer_of(payload, "time");
  return time ? time : integer_of(payload, "created");
}

// "120 denials of its namespace before it, since TIME, have no entry", or "" where there are none.
std::string left_out_of(const Cbor& payload) {
  const Cbor* left_out = payload.find("leftOut");
  if (left_out == nullptr || left_out->as_map() == nullptr) return {};
  const auto since = integer_of(*left_out, "since");
  return std::to_string(integer_of(*left_out, "count").value_or(0)) + " denials" +
         (text_of(*left_out, "of") == "namespace" ? " of its namespace" : "") +
         " before it, since " +
         (since ? to_rfc3339(SystemTime(std::chrono::milliseconds(*since))) : "-") +
         ", have no entry";
}

// "720h", or "for ever".
std::string kept_text(const Cbor& payload, std::string_view name) {
  const std::int64_t kept = integer_of(payload, name).value_or(0);
  return kept == 0 ? "for ever" : to_duration(std::chrono::milliseconds(kept));
}

// "entry 3 of log ORIGIN", and how many more.
std::string references_of(const Cbor& payload) {
  const Cbor* list = payload.find("refs");
  const Cbor::Array* refs = list == nullptr ? nullptr : list->as_array();
  if (refs == nullptr || refs->empty()) return "nothing";
  const auto index = integer_of(refs->front(), "index");
  return "entry " + (index ? std::to_string(*index) : "-") + " of log " +
         text_of(refs->front(), "origin") +
         (refs->size() > 1 ? " and " + std::to_string(refs->size() - 1) + " more" : "");
}

}  // namespace

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

std::string text_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  const std::string* text = value == nullptr ? nullptr : value->as_text();
  return text == nullptr ? "" : *text;
}

std::optional<std::int64_t> integer_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  const std::int64_t* number = value == nullptr ? nullptr : value->as_integer();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

const Bytes* bytes_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  return value == nullptr ? nullptr : value->as_bytes();
}

std::string time_of(const Cbor& payload) {
  const auto millis = millis_of(payload);
  return millis ? to_rfc3339(SystemTime(std::chrono::milliseconds(*millis))) : "-";
}

bool is_late(const Cbor& payload) {
  const Cbor* late = payload.find("late");
  const bool* says_so = late == nullptr ? nullptr : late->as_boolean();
  return says_so != nullptr && *says_so;
}

std::vector<bool> late_entries(const std::vector<const Cbor*>& newest_first) {
  constexpr std::int64_t kClocksDiffer = 5000;  // ms
  std::vector<bool> out(newest_first.size(), false);
  std::optional<std::int64_t> latest;
  for (std::size_t i = newest_first.size(); i-- > 0;) {
    const Cbor& payload = *newest_first[i];
    const auto millis = millis_of(payload);
    if (!millis) continue;
    // The difference of two times need not fit.
    const bool before = latest && *latest >= kClocksDiffer && *millis < *latest - kClocksDiffer;
    out[i] = before || is_late(payload);
    latest = std::max(latest.value_or(*millis), *millis);
  }
  return out;
}

std::string reasons_of(const Cbor& payload) {
  const Cbor* list = payload.find("reasons");
  const Cbor::Array* reasons = list == nullptr ? nullptr : list->as_array();
  std::string out;
  if (reasons == nullptr) return out;
  for (const Cbor& reason : *reasons) {
    if (!out.empty()) out += "; ";
    out += text_of(reason, "code");
    if (const std::string message = text_of(reason, "message"); !message.empty()) {
      out += ": " + message;
    }
  }
  return out;
}

std::string sender_of(const Cbor& payload) {
  const std::string caller = text_of(payload, "caller");
  if (caller.empty()) return {};
  const std::string peer = text_of(payload, "peer");
  const std::string from = "the review was sent by " + (peer.empty() ? "somebody" : peer);
  if (caller == "authenticated") return from + ", with a client certificate of an API server";
  return from + ", without a client certificate: the API server's audit log says whether it asked";
}

std::string summary_of(std::string_view kind, const Cbor& payload) {
  std::string out(kind);
  if (kind == tlog::kAdmissionVerdict) {
    const std::string node = text_of(payload, "node");
    out = text_of(payload, "decision") + " of pod " + text_of(payload, "namespace") + "/" +
          text_of(payload, "pod") + (node.empty() ? "" : " on node " + node) + " (" +
          text_of(payload, "operation") + ")";
    if (text_of(payload, "caller") == "unauthenticated") {
      out += ", asked by " + text_of(payload, "peer") + " without a certificate";
    }
    if (is_late(payload)) out += ", entered late, from a webhook's spool";
    if (const std::string left_out = left_out_of(payload); !left_out.empty()) {
      out += " (" + left_out + ")";
    }
  } else if (kind == tlog::kNodeVerdict) {
    out = "node " + text_of(payload, "node") + " became " + text_of(payload, "phase");
  } else if (kind == tlog::kPolicyChange) {
    const Cbor* deleted = payload.find("deleted");
    const bool* gone = deleted == nullptr ? nullptr : deleted->as_boolean();
    out = "policy " + text_of(payload, "name") +
          (gone != nullptr && *gone
               ? " was deleted"
               : ", generation " + std::to_string(integer_of(payload, "generation").value_or(0)));
  } else if (kind == tlog::kEpoch) {
    const Cbor* renewals = payload.find("renewals");
    const auto count = renewals == nullptr ? std::nullopt : integer_of(*renewals, "count");
    out = "epoch with " + std::to_string(count.value_or(0)) + " renewals";
  } else if (tlog::remark_kind(kind)) {
    out += " by " + text_of(payload, "by") + " of " + references_of(payload);
    if (const std::string text = text_of(payload, "text"); !text.empty()) out += ": " + text;
  } else if (kind == tlog::kRetentionKind) {
    out = "retention policy: content is kept " + kept_text(payload, "content") +
          ", entries are served " + kept_text(payload, "entries");
  } else if (kind == tlog::kPruningKind) {
    out = "pruning: content from entry " +
          std::to_string(integer_of(payload, "contentFrom").value_or(0)) +
          " on is kept, minimum index " +
          std::to_string(integer_of(payload, "minimumIndex").value_or(0)) +
          ", by the policy of entry " + std::to_string(integer_of(payload, "policy").value_or(0));
  } else if (kind == tlog::kGenesis) {
    out = "genesis: " + text_of(payload, "type");
  }
  const std::string reasons = reasons_of(payload);
  return reasons.empty() ? out : out + ": " + reasons;
}

}  // namespace avouch::inspect
