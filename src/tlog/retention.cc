#include "tlog/retention.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"
#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/remark.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using codec::Json;

constexpr std::int64_t kRetentionVersion = 1;
constexpr std::size_t kMostSources = 1000, kKeptSources = 4, kKeptPrunings = 3;
constexpr std::int64_t kMostNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kRetentionType = "application/vnd.avouch.retention+cbor",
                           kPruningType = "application/vnd.avouch.pruning+cbor";

std::int64_t as_number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Cbor map_of(std::initializer_list<std::pair<std::string_view, std::int64_t>> members) {
  Cbor::Map map;
  for (const auto& [name, value] : members) {
    map.emplace_back(Cbor::text(name), Cbor::integer(value));
  }
  return Cbor::map(std::move(map));
}

// Exactly these members, numbers from 0 on, of which "version" must be 1.
template <std::size_t N>
Result<std::array<std::uint64_t, N>> numbers_of(const Cbor& payload,
                                                const std::array<std::string_view, N>& names) {
  const Cbor::Map* map = payload.as_map();
  if (map == nullptr) return rejected("retention: expected a map");
  std::array<std::uint64_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    const Cbor* member = payload.find(names[i]);
    const std::int64_t* value = member == nullptr ? nullptr : member->as_integer();
    if (value == nullptr || *value < 0) {
      return rejected(std::string(names[i]) + ": expected a number, 0 or greater");
    }
    if (names[i] == "version" && *value != kRetentionVersion) {
      return rejected("version: is " + std::to_string(*value) + ", expected 1");
    }
    out[i] = static_cast<std::uint64_t>(*value);
  }
  if (map->size() != N) return rejected("retention: there are members that version 1 has not");
  return out;
}

Result<void> check_kept_time(std::chrono::milliseconds time, std::string_view name) {
  using std::chrono::milliseconds;
  if (time == milliseconds(0)) return {};
  if (time >= RetentionPolicy::kLeast && time <= RetentionPolicy::kMost) return {};
  return rejected(std::string(name) + ": expected 0 (for ever), or 24h to 876000h");
}

Result<std::chrono::milliseconds> kept_time(std::uint64_t value, std::string_view name) {
  if (value > static_cast<std::uint64_t>(RetentionPolicy::kMost.count())) {
    return rejected(std::string(name) + ": expected at most 876000h");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(value));
}

Result<Json> read_object(ByteView bytes) {
  return codec::parse_json(as_text(bytes), {.bytes = 1024 * 1024, .depth = 8});
}

}  // namespace

Result<void> check_retention_policy(const RetentionPolicy& policy) {
  AVOUCH_CHECK(check_kept_time(policy.content, "content"));
  AVOUCH_CHECK(check_kept_time(policy.entries, "entries"));
  constexpr std::chrono::milliseconds kForEver{0};
  if (policy.entries == kForEver) return {};
  if (policy.content != kForEver && policy.content <= policy.entries) return {};
  return rejected(
      "content: expected at most as long as entries: what entries say is not kept longer than they "
      "are served");
}

Cbor retention_payload(const RetentionPolicy& policy, SystemTime time) {
  return map_of({{"version", kRetentionVersion},
                 {"time", time.time_since_epoch().count()},
                 {"content", policy.content.count()},
                 {"entries", policy.entries.count()}});
}

Cbor pruning_payload(const Pruning& pruning, SystemTime time) {
  return map_of({{"version", kRetentionVersion},
                 {"time", time.time_since_epoch().count()},
                 {"policy", as_number(pruning.policy)},
                 {"contentFrom", as_number(pruning.content_from)},
                 {"minimumIndex", as_number(pruning.minimum_index)}});
}

Result<RetentionPolicy> parse_retention(const Cbor& payload) {
  constexpr std::array<std::string_view, 4> kMembers = {"version", "time", "content", "entries"};
  AVOUCH_TRY(const auto numbers, numbers_of(payload, kMembers));
  RetentionPolicy policy;
  AVOUCH_TRY(policy.content, kept_time(numbers[2], "content"));
  AVOUCH_TRY(policy.entries, kept_time(numbers[3], "entries"));
  AVOUCH_CHECK(check_retention_policy(policy));
  return policy;
}

Result<Pruning> parse_pruning(const Cbor& payload, std::uint64_t own_index) {
  constexpr std::array<std::string_view, 5> kMembers = {"version", "time", "policy", "contentFrom",
                                                        "minimumIndex"};
  AVOUCH_TRY(const auto numbers, numbers_of(payload, kMembers));
  const Pruning pruning{numbers[2], numbers[3], numbers[4]};
  if (pruning.policy >= own_index) return rejected("policy: expected an entry before this one");
  if (pruning.content_from > own_index) {
    return rejected("contentFrom: expected nothing beyond this entry");
  }
  if (pruning.minimum_index > pruning.content_from) {
    return rejected("minimumIndex: expected at most contentFrom");
  }
  if (pruning.content_from % kTileWidth != 0 || pruning.minimum_index % kTileWidth != 0) {
    return rejected("contentFrom, minimumIndex: expected multiples of 256");
  }
  return pruning;
}

namespace {

// Whether under that policy what was pruned may become what is.
bool allows(const RetentionPolicy& policy, const Pruning& was, const Pruning& is) {
  constexpr std::chrono::milliseconds kForEver{0};
  return is.content_from >= was.content_from && is.minimum_index >= was.minimum_index &&
         (policy.content != kForEver || is.content_from == was.content_from) &&
         (policy.entries != kForEver || is.minimum_index == was.minimum_index);
}

}  // namespace

bool may_lose_content(std::string_view kind) {
  const auto remark = remark_kind(kind);
  return kind == kNodeVerdict || kind == kAdmissionVerdict ||
         (remark && *remark != RemarkKind::kErasure);
}

bool is_of_retention(ByteView entry) {
  const std::string_view text = as_text(entry);
  return text.find(kRetentionType) != std::string_view::npos ||
         text.find(kPruningType) != std::string_view::npos;
}

bool Retention::take(std::uint64_t index, ByteView entry, ByteView preimage, Before before) {
  if (preimage.empty() || !is_of_retention(entry)) return false;
  const auto statement = parse_statement_unverified(entry);
  if (!statement.has_value()) return false;
  const auto payload = open_preimage(statement->preimage_digest, preimage);
  if (!payload.has_value()) return false;
  if (statement->kind == kRetentionKind) {
    const auto read = parse_retention(*payload);
    if (!read.has_value()) return false;
    policy = *read;
    policy_index = index;
  } else if (statement->kind == kPruningKind) {
    const auto read = parse_pruning(*payload, index);
    if (!read.has_value()) return false;
    if (before == Before::kAll &&
        (policy_index != read->policy || !allows(policy, pruning, *read))) {
      return false;
    }
    pruning = *read;
    pruning_index = index;
    last_prunings.push_back({index, read->policy});
    if (last_prunings.size() > kKeptPrunings) last_prunings.erase(last_prunings.begin());
  } else {
    return false;
  }
  sources.push_back({index, Bytes(preimage.begin(), preimage.end())});
  const std::size_t old = sources.size() - std::min(sources.size(), kKeptSources);
  const std::uint64_t kept_from = sources[old].index;
  std::erase_if(sources, [this, kept_from](const Source& source) {
    const bool is_needed =
        source.index == policy_index ||
        std::any_of(last_prunings.begin(), last_prunings.end(), [&source](const Place& place) {
          return source.index == place.index || source.index == place.policy;
        });
    return source.index < kept_from && !is_needed;
  });
  return true;
}

bool Retention::denies(const Tile& tile) const {
  // The last entry that a full tile of the level covers is in the same place at level 0.
  const unsigned shift = kTileHeight * (tile.level + 1);
  return shift < 64 && tile.index < pruning.minimum_index >> shift;
}

Bytes format_retention(const Retention& retention, std::span<const Retention::Source> more) {
  Json::Array entries;
  const auto add = [&](const Retention::Source& source) {
    entries.push_back(Json::Object{{"index", as_number(source.index)},
                                   {"preimage", codec::to_base64(source.preimage)}});
  };
  for (const Retention::Source& source : retention.sources) add(source);
  for (const Retention::Source& source : more) add(source);
  return to_bytes(
      codec::to_json(Json::Object{{"version", kRetentionVersion},
                                  {"minimumIndex", as_number(retention.pruning.minimum_index)},
                                  {"contentFrom", as_number(retention.pruning.content_from)},
                                  {"contentGone", as_number(retention.content_gone)},
                                  {"entries", std::move(entries)}}));
}

Result<void> take_retention(Store& store, std::span<const Record> records, Retention& retention) {
  Retention next = retention;
  std::vector<Retention::Source> taken;
  for (const Record& record : records) {
    if (!next.take(record.index, record.entry, record.preimage)) continue;
    taken.push_back({record.index, record.preimage});
  }
  if (taken.empty()) return {};
  // Until they are published, what was before is in force.
  const Object object{std::string(kRetentionPath), format_retention(retention, taken), true};
  AVOUCH_CHECK(store.put(std::span(&object, 1)));
  retention = std::move(next);
  return {};
}

namespace {

using PolicyMap = std::map<std::uint64_t, RetentionPolicy>;  // by index

// Of older prunings, policies and what was before need not be named.
Result<void> check_prunings(const PolicyMap& policies,
                            std::span<const std::pair<std::uint64_t, Pruning>> prunings) {
  const std::string where(kRetentionPath);
  for (std::size_t i = 0; i < prunings.size(); ++i) {
    const auto& [index, pruning] = prunings[i];
    const bool is_newest = i + 1 == prunings.size();
    const std::string by =
        where + ": names a pruning by the policy of entry " + std::to_string(pruning.policy);
    if (const auto next = policies.upper_bound(pruning.policy);
        next != policies.end() && next->first < index) {
      return rejected(by + ", and entry " + std::to_string(next->first) +
                      " has another one before it");
    }
    const auto policy = policies.find(pruning.policy);
    if (policy == policies.end() && !is_newest) continue;
    if (policy == policies.end()) return rejected(by + ", and not that policy");
    if (i == 0 && !is_newest) continue;
    if (!allows(policy->second, i == 0 ? Pruning() : prunings[i - 1].second, pruning)) {
      return rejected(where + ": names a pruning that the policy of entry " +
                      std::to_string(pruning.policy) + " does not allow" +
                      (i == 0 ? ", with none before it" : ""));
    }
  }
  return {};
}

}  // namespace

Result<Retention> load_retention(TileReader& reader, const VerifiedCheckpoint& checkpoint) {
  const std::string where(kRetentionPath);
  Retention out;
  AVOUCH_TRY(const std::optional<Bytes> bytes, reader.fetch(kRetentionPath));
  if (!bytes) return out;
  const auto json = read_object(*bytes);
  if (!json.has_value()) return with_context(json.error(), where);
  codec::FieldErrors errors;
  codec::Fields fields(*json, where, errors);
  (void)fields.required_integer("version", kRetentionVersion, kRetentionVersion);
  const auto gone =
      static_cast<std::uint64_t>(fields.required_integer("contentGone", 0, kMostNumber));
  std::vector<Retention::Source> sources;
  for (codec::Fields& each : fields.objects("entries", kMostSources)) {
    const auto index = static_cast<std::uint64_t>(each.required_integer("index", 0, kMostNumber));
    sources.push_back({index, each.base64("preimage", kMaxPreimageBytes).value_or(Bytes{})});
  }
  if (!errors.empty()) return rejected(errors.text());
  PolicyMap policies;
  std::vector<std::pair<std::uint64_t, Pruning>> prunings;  // by index, in order
  for (const Retention::Source& source : sources) {
    if (source.index >= checkpoint.size()) continue;  // about to be published
    auto included = fetch_entry(reader, checkpoint, source.index);
    if (!included.has_value()) return with_context(std::move(included).error(), where);
    const bool is_later = out.sources.empty() || out.sources.back().index < source.index;
    if (is_later &&
        out.take(source.index, included->entry, source.preimage, Retention::Before::kSome)) {
      if (out.policy_index == source.index) policies[source.index] = out.policy;
      if (out.pruning_index == source.index) prunings.emplace_back(source.index, out.pruning);
      continue;
    }
    return rejected(where + ": names entry " + std::to_string(source.index) +
                    ", which is none of a policy or of a pruning with that content");
  }
  AVOUCH_CHECK(check_prunings(policies, prunings));
  out.content_gone = std::min(gone, out.pruning.content_from);
  return out;
}

namespace {

// Of a group that cannot be read: what is known beside it.
std::vector<PreimageSlot> known_slots(const Retention& retention, std::uint64_t group) {
  std::vector<PreimageSlot> slots(kTileWidth);
  for (const Retention::Source& source : retention.sources) {
    if (source.index / kTileWidth != group) continue;
    slots[source.index % kTileWidth].preimage = source.preimage;
  }
  return slots;
}

}  // namespace

Result<std::vector<std::string>> prune_content(Store& store, std::string_view origin,
                                               std::size_t groups, Retention& retention) {
  const std::uint64_t end = retention.pruning.content_from / kTileWidth;
  std::uint64_t group = retention.content_gone / kTileWidth;
  std::vector<Object> objects;
  std::vector<std::string> lost;
  for (; group < end && groups > 0; ++group, --groups) {
    const std::string path = preimages_path(group);
    const std::string bundle = bundle_path({0, group, kTileWidth});
    auto slots = fetch_preimages(store, group);
    if (!slots.has_value() && slots.error().kind == ErrorKind::kRetryable) return slots.error();
    AVOUCH_TRY(const std::optional<Bytes> bundle_bytes, store.fetch(bundle));
    if (!bundle_bytes) return fatal("log: " + bundle + " is missing");
    const auto entries = parse_bundle(*bundle_bytes, kTileWidth);
    if (!entries.has_value()) return fatal("log: " + bundle + ": " + entries.error().message);
    bool has_any = !slots.has_value();
    if (!slots.has_value()) {
      lost.push_back(slots.error().message);
      AVOUCH_CHECK(store.set_aside(path));
      slots = known_slots(retention, group);
    }
    for (std::size_t i = 0; i < std::min(slots->size(), entries->size()); ++i) {
      const auto statement = parse_statement_unverified((*entries)[i]);
      if (!statement.has_value() || statement->issuer != origin) continue;
      if (!may_lose_content(statement->kind)) continue;
      erase_slot((*slots)[i], *retention.pruning_index, ErasedBy::kPruning);
      has_any = true;
    }
    // Where nothing changes too: what was put before an interruption may not be durable.
    if (has_any) objects.push_back({path, format_preimages(group, *slots), true, true});
  }
  if (!objects.empty()) AVOUCH_CHECK(store.put(objects));
  Retention next = retention;
  next.content_gone = group * kTileWidth;
  const Object object{std::string(kRetentionPath), format_retention(next), true};
  AVOUCH_CHECK(store.put(std::span(&object, 1)));
  retention = std::move(next);
  return lost;
}

}  // namespace avouch::tlog
