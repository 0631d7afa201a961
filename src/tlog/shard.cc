#include "tlog/shard.h"

#include <limits>
#include <utility>

#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"
#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/code_points.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using codec::Json;

constexpr std::int64_t kShardVersion = 1;
constexpr std::size_t kMaxShardOrigin = 512;
constexpr std::string_view kShardContentType = "application/vnd.avouch.shard+cbor";

Result<std::int64_t> member_number(const Cbor& payload, std::string_view name) {
  const Cbor* member = payload.find(name);
  const std::int64_t* value = member == nullptr ? nullptr : member->as_integer();
  if (value == nullptr || *value < 0) {
    return rejected(std::string(name) + ": expected a number, 0 or greater");
  }
  return *value;
}

Result<std::string> member_text(const Cbor& payload, std::string_view name, std::size_t max) {
  const Cbor* member = payload.find(name);
  const std::string* value = member == nullptr ? nullptr : member->as_text();
  if (value == nullptr || value->empty() || value->size() > max) {
    return rejected(std::string(name) + ": expected a text of 1 to " + std::to_string(max) +
                    " bytes");
  }
  return *value;
}

Result<std::string> member_origin(const Cbor& payload, std::string_view name,
                                  std::string_view own_origin) {
  AVOUCH_TRY(std::string origin, member_text(payload, name, kMaxShardOrigin));
  if (!is_line(origin) || origin == own_origin) {
    return rejected(std::string(name) + ": expected the origin of another log, in one line");
  }
  return origin;
}

Result<void> expect_members(const Cbor& payload, std::size_t count) {
  const Cbor::Map* map = payload.as_map();
  if (map == nullptr || map->size() != count) {
    return rejected("expected a map of " + std::to_string(count) + " members");
  }
  return {};
}

// The payload of an entry of that kind of the log's own; nothing for any other.
std::optional<Cbor> content_of_link(ByteView entry, ByteView preimage, std::string_view kind,
                                    std::string_view origin) {
  const auto statement = parse_statement_unverified(entry);
  if (!statement.has_value() || statement->kind != kind) return std::nullopt;
  if (statement->issuer != origin) return std::nullopt;
  auto payload = open_preimage(statement->preimage_digest, preimage);
  if (!payload.has_value()) return std::nullopt;
  return *std::move(payload);
}

bool is_predecessor(const Cbor& payload) {
  const Cbor* type = payload.find("type");
  return type != nullptr && type->as_text() != nullptr && *type->as_text() == kPredecessorType;
}

// Entry and preimage as they are stored, not held against the tree.
struct StoredLink {
  Bytes entry, preimage;
};
Result<StoredLink> read_link(TileReader& store, std::uint64_t size, std::uint64_t index) {
  const std::uint64_t group = index / kTileWidth;
  const Tile tile{0, group, tile_width(size, 0, group)};
  auto bundle = find_resource(store, {Resource::Kind::kBundle, tile});
  if (!bundle.has_value() && bundle.error().kind == ErrorKind::kRejected) {
    return fatal("log: " + bundle.error().message);
  }
  AVOUCH_TRY(const std::optional<Bytes> bytes, std::move(bundle));
  AVOUCH_TRY(const std::optional<Bytes> group_bytes, store.fetch(preimages_path(group)));
  if (!bytes || !group_bytes) {
    return fatal("log: " + (bytes ? preimages_path(group) : bundle_path(tile)) + " is missing");
  }
  auto entries = parse_bundle(*bytes, tile.width);
  auto slots = parse_preimages(group, *group_bytes);
  if (!entries.has_value() || !slots.has_value()) {
    return fatal("log: " + (entries.has_value() ? slots.error() : entries.error()).message);
  }
  const std::size_t at = index % kTileWidth;
  if (slots->size() <= at) return fatal("log: " + preimages_path(group) + " is too short");
  return StoredLink{std::move((*entries)[at]), std::move((*slots)[at].preimage)};
}

}  // namespace

Cbor shard_end_payload(const ShardEnd& end) {
  return Cbor::map({{Cbor::text("version"), Cbor::integer(kShardVersion)},
                    {Cbor::text("time"), Cbor::integer(end.time.time_since_epoch().count())},
                    {Cbor::text("next"), Cbor::text(end.next)}});
}

Cbor predecessor_payload(const Predecessor& predecessor, SystemTime created) {
  return Cbor::map({{Cbor::text("type"), Cbor::text(kPredecessorType)},
                    {Cbor::text("created"), Cbor::integer(created.time_since_epoch().count())},
                    {Cbor::text("origin"), Cbor::text(predecessor.origin)},
                    {Cbor::text("checkpoint"), Cbor::text(predecessor.note)}});
}

Result<ShardEnd> parse_shard_end(const Cbor& payload, std::string_view own_origin) {
  AVOUCH_CHECK(expect_members(payload, 3));
  AVOUCH_TRY(const std::int64_t version, member_number(payload, "version"));
  if (version != kShardVersion) return rejected("version: expected 1");
  ShardEnd out;
  AVOUCH_TRY(const std::int64_t time, member_number(payload, "time"));
  out.time = SystemTime(std::chrono::milliseconds(time));
  AVOUCH_TRY(out.next, member_origin(payload, "next", own_origin));
  return out;
}

Result<Predecessor> parse_predecessor(const Cbor& payload, std::string_view own_origin) {
  AVOUCH_CHECK(expect_members(payload, 4));
  if (!is_predecessor(payload)) return rejected("type: expected predecessor");
  AVOUCH_CHECK(member_number(payload, "created"));
  Predecessor out;
  AVOUCH_TRY(out.origin, member_origin(payload, "origin", own_origin));
  AVOUCH_TRY(out.note, member_text(payload, "checkpoint", kMaxLastNote));
  const auto note = parse_note_unverified(out.note);
  if (!note.has_value()) return with_context(note.error(), "checkpoint");
  const auto checkpoint = parse_checkpoint_unverified(note->text);
  if (!checkpoint.has_value()) return with_context(checkpoint.error(), "checkpoint");
  if (checkpoint->origin != out.origin) {
    return rejected("checkpoint: is of log \"" + checkpoint->origin + "\"");
  }
  return out;
}

std::optional<std::string> closes_log_of(ByteView entry) {
  // Of all entries: what is none is not parsed.
  if (as_text(entry).find(kShardContentType) == std::string_view::npos) return std::nullopt;
  auto statement = parse_statement_unverified(entry);
  if (!statement.has_value() || statement->kind != kShardKind) return std::nullopt;
  return std::move(statement->issuer);
}

Result<Bytes> make_shard_resource(TileReader& store, std::string_view origin, std::uint64_t size) {
  Json::Array entries;
  const auto add = [&](std::uint64_t index, const StoredLink& link) {
    entries.push_back(Json::Object{{"index", static_cast<std::int64_t>(index)},
                                   {"preimage", codec::to_base64(link.preimage)}});
  };
  if (size > 0) {
    AVOUCH_TRY(const StoredLink first, read_link(store, size, 0));
    const auto begin = content_of_link(first.entry, first.preimage, kGenesis, origin);
    if (begin && is_predecessor(*begin)) add(0, first);
    AVOUCH_TRY(const StoredLink last, read_link(store, size, size - 1));
    if (content_of_link(last.entry, last.preimage, kShardKind, origin)) add(size - 1, last);
  }
  return to_bytes(
      codec::to_json(Json::Object{{"version", kShardVersion}, {"entries", std::move(entries)}}));
}

Result<ShardLinks> load_shard_links(TileReader& reader, const VerifiedCheckpoint& checkpoint) {
  const std::string where(kShardPath);
  ShardLinks out;
  AVOUCH_TRY(const std::optional<Bytes> bytes, reader.fetch(kShardPath));
  if (!bytes) return out;
  const auto json = codec::parse_json(as_text(*bytes), {.bytes = 256 * 1024, .depth = 8});
  if (!json.has_value()) return with_context(json.error(), where);
  codec::FieldErrors errors;
  codec::Fields fields(*json, where, errors);
  (void)fields.required_integer("version", kShardVersion, kShardVersion);
  struct Named {
    std::uint64_t index = 0;
    Bytes preimage;
  };
  std::vector<Named> named;
  for (codec::Fields& each : fields.objects("entries", 2)) {
    const auto index = static_cast<std::uint64_t>(
        each.required_integer("index", 0, std::numeric_limits<std::int64_t>::max()));
    named.push_back({index, each.base64("preimage", kMaxPreimageBytes).value_or(Bytes{})});
  }
  if (!errors.empty()) return rejected(errors.text());
  for (const Named& each : named) {
    if (each.index >= checkpoint.size()) continue;  // of a newer checkpoint
    const bool is_first = each.index == 0, is_last = each.index + 1 == checkpoint.size();
    if (!is_first && !is_last) continue;  // the same
    AVOUCH_TRY(const Tile tile, tile_of(Node{0, each.index}, checkpoint.size()));
    const auto bundle = find_resource(reader, {Resource::Kind::kBundle, tile});
    if (bundle.has_value() && !*bundle) continue;  // pruned: nothing is proven of it
    auto included = fetch_entry(reader, checkpoint, each.index);
    if (!included.has_value()) return with_context(std::move(included).error(), where);
    const std::string of_entry = where + ": entry " + std::to_string(each.index);
    if (const auto begin =
            content_of_link(included->entry, each.preimage, kGenesis, checkpoint.origin());
        is_first && begin) {
      auto read = parse_predecessor(*begin, checkpoint.origin());
      if (!read.has_value()) return with_context(std::move(read).error(), of_entry);
      out.predecessor = *std::move(read);
      continue;
    }
    const auto end =
        content_of_link(included->entry, each.preimage, kShardKind, checkpoint.origin());
    if (!is_last || !end) {
      return rejected(of_entry + " does not say what is said of it, or not with that content");
    }
    auto read = parse_shard_end(*end, checkpoint.origin());
    if (!read.has_value()) return with_context(std::move(read).error(), of_entry);
    out.end = *std::move(read);
  }
  return out;
}

}  // namespace avouch::tlog
