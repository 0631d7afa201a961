// Remarks as CBOR: strictly read, so that one remark has one encoding and no member goes unread.

#include <algorithm>
#include <limits>
#include <utility>

#include "codec/utf8.h"
#include "tlog/remark.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;

constexpr std::int64_t kVersion = 1;
constexpr codec::CborLimits kRequestLimits{RemarkRequest::kMaxBytes, 8, 1000};

void put_member(Cbor::Map& map, std::string_view name, Cbor value) {
  map.emplace_back(Cbor::text(name), std::move(value));
}

// The members of one map, each asked for once. The first error is kept, and ends all.
class Members {
 public:
  Members(const Cbor& map, std::string where) : map_(map), where_(std::move(where)) {
    if (map.as_map() == nullptr) fail("", "expected a map");
  }

  std::string text(std::string_view name) {
    const Cbor* value = required(name);
    if (value == nullptr) return "";
    if (const std::string* out = value->as_text()) return *out;
    fail(name, "expected text");
    return "";
  }
  // "" where it is absent: it is never there and empty.
  std::string optional_text(std::string_view name) {
    if (!has(name)) return "";
    std::string out = text(name);
    if (out.empty()) fail(name, "is empty; leave it out");
    return out;
  }
  std::int64_t number(std::string_view name) {
    const Cbor* value = required(name);
    if (value == nullptr) return 0;
    const std::int64_t* out = value->as_integer();
    if (out != nullptr && *out >= 0) return *out;
    fail(name, "expected a number, 0 or greater");
    return 0;
  }
  Bytes bytes(std::string_view name) {
    const Cbor* value = required(name);
    if (value == nullptr) return {};
    if (const Bytes* out = value->as_bytes()) return *out;
    fail(name, "expected bytes");
    return {};
  }
  crypto::Sha256 digest(std::string_view name) {
    crypto::Sha256 out{};
    const Bytes value = bytes(name);
    if (value.size() != out.size()) {
      fail(name, "expected 32 bytes");
    } else {
      std::copy(value.begin(), value.end(), out.begin());
    }
    return out;
  }
  // `read` is given each item of an array that is not empty.
  template <typename Read>
  void each(std::string_view name, std::size_t most, const Read& read) {
    const Cbor* value = required(name);
    if (value == nullptr) return;
    const Cbor::Array* items = value->as_array();
    if (items == nullptr) return fail(name, "expected an array");
    if (items->empty() || items->size() > most) {
      return fail(
          name, "has " + std::to_string(items->size()) + ", expected 1 to " + std::to_string(most));
    }
    for (std::size_t i = 0; i < items->size() && !error_; ++i) {
      Members item((*items)[i], place(name) + "[" + std::to_string(i) + "]");
      read(item);
      take(item.finish());
    }
  }
  template <typename Read>
  void inside(std::string_view name, const Read& read) {
    const Cbor* value = required(name);
    if (value == nullptr) return;
    Members item(*value, place(name));
    read(item);
    take(item.finish());
  }
  bool has(std::string_view name) const {
    return map_.as_map() != nullptr && map_.find(name) != nullptr;
  }
  void fail(std::string_view name, const std::string& why) {
    if (!error_) error_ = rejected(place(name) + ": " + why);
  }

  // The first error, or a member that nobody asked for.
  Result<void> finish() {
    if (error_) return *error_;
    for (const auto& [key, value] : *map_.as_map()) {
      const std::string* name = key.as_text();
      if (name != nullptr && std::find(asked_.begin(), asked_.end(), *name) != asked_.end()) {
        continue;
      }
      const std::string where = where_.empty() ? "" : where_ + ": ";
      if (name == nullptr) return rejected(where + "the key of a member is no text");
      return rejected(where + "there is a member " + codec::in_quotes(*name) +
                      " that this version does not know");
    }
    return {};
  }

 private:
  std::string place(std::string_view name) const {
    if (name.empty()) return where_.empty() ? "remark" : where_;
    return (where_.empty() ? "" : where_ + ".") + std::string(name);
  }
  const Cbor* required(std::string_view name) {
    asked_.emplace_back(name);
    if (has(name)) return map_.find(name);
    fail(name, "is missing");
    return nullptr;
  }
  void take(const Result<void>& read) {
    if (!read.has_value() && !error_) error_ = read.error();
  }

  const Cbor& map_;
  const std::string where_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

Cbor reference_cbor(const EntryReference& ref) {
  Cbor::Map map;
  put_member(map, "origin", Cbor::text(ref.origin));
  put_member(map, "index", Cbor::integer(static_cast<std::int64_t>(ref.index)));
  put_member(map, "leafHash", Cbor::bytes(ref.leaf));
  if (!ref.proof.empty()) put_member(map, "proof", Cbor::text(ref.proof));
  return Cbor::map(std::move(map));
}

EntryReference read_reference(Members& members) {
  EntryReference ref;
  ref.origin = members.text("origin");
  ref.index = static_cast<std::uint64_t>(members.number("index"));
  ref.leaf = members.digest("leafHash");
  ref.proof = members.optional_text("proof");
  return ref;
}

void put_remark(Cbor::Map& map, const Remark& remark) {
  put_member(map, "version", Cbor::integer(kVersion));
  Cbor::Array refs, material, values;
  for (const EntryReference& ref : remark.refs) refs.push_back(reference_cbor(ref));
  for (const Remark::Material& each : remark.material) {
    Cbor::Map one;
    put_member(one, "type", Cbor::text(each.type));
    put_member(one, "digest", Cbor::bytes(each.digest));
    material.push_back(Cbor::map(std::move(one)));
  }
  for (const Remark::Value& each : remark.values) {
    Cbor::Map one;
    put_member(one, "name", Cbor::text(each.name));
    put_member(one, "algorithm", Cbor::text(each.algorithm));
    put_member(one, "digest", Cbor::bytes(each.digest));
    values.push_back(Cbor::map(std::move(one)));
  }
  put_member(map, "refs", Cbor::array(std::move(refs)));
  if (!remark.text.empty()) put_member(map, "text", Cbor::text(remark.text));
  if (!material.empty()) put_member(map, "material", Cbor::array(std::move(material)));
  if (!values.empty()) put_member(map, "values", Cbor::array(std::move(values)));
  if (remark.replacement) put_member(map, "replacement", reference_cbor(*remark.replacement));
}

Remark read_remark(RemarkKind kind, Members& members) {
  if (const std::int64_t version = members.number("version"); version != kVersion) {
    members.fail("version", "is " + std::to_string(version) + ", this program reads 1");
  }
  Remark remark;
  remark.kind = kind;
  members.each("refs", Remark::kMaxRefs,
               [&](Members& item) { remark.refs.push_back(read_reference(item)); });
  remark.text = members.optional_text("text");
  if (members.has("material")) {
    members.each("material", Remark::kMaxMaterial, [&](Members& item) {
      std::string type = item.text("type");
      remark.material.push_back({std::move(type), item.digest("digest")});
    });
  }
  if (members.has("values")) {
    members.each("values", Remark::kMaxValues, [&](Members& item) {
      Remark::Value value;
      value.name = item.text("name");
      value.algorithm = item.text("algorithm");
      value.digest = item.bytes("digest");
      remark.values.push_back(std::move(value));
    });
  }
  if (members.has("replacement")) {
    members.inside("replacement",
                   [&](Members& item) { remark.replacement = read_reference(item); });
  }
  return remark;
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= RemarkRequest::kMaxId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Result<Cbor> remark_payload(const RecordedRemark& remark, std::string_view origin) {
  AVOUCH_CHECK(check_remark(remark.remark, origin));
  AVOUCH_CHECK(check_sender(remark.by));
  const std::int64_t time = remark.time.time_since_epoch().count();
  if (time < 0) return rejected("time: is before 1970");
  Cbor::Map map;
  put_remark(map, remark.remark);
  put_member(map, "time", Cbor::integer(time));
  put_member(map, "by", Cbor::text(remark.by));
  return Cbor::map(std::move(map));
}

Result<RecordedRemark> parse_remark(RemarkKind kind, const Cbor& payload, std::string_view origin,
                                    std::uint64_t own_index) {
  Members members(payload, "");
  RecordedRemark out;
  out.remark = read_remark(kind, members);
  out.by = members.text("by");
  out.time = SystemTime(std::chrono::milliseconds(members.number("time")));
  AVOUCH_CHECK(members.finish());
  AVOUCH_CHECK(check_remark(out.remark, origin));
  AVOUCH_CHECK(check_sender(out.by));
  AVOUCH_CHECK(check_order(out.remark, origin, own_index));
  return out;
}

Bytes format_remark_request(const RemarkRequest& request) {
  Cbor::Map map;
  put_remark(map, request.remark);
  put_member(map, "id", Cbor::text(request.id));
  return codec::to_cbor(Cbor::map(std::move(map)));
}

Result<RemarkRequest> parse_remark_request(RemarkKind kind, ByteView body,
                                           std::string_view origin) {
  AVOUCH_TRY(const Cbor value, codec::parse_cbor(body, kRequestLimits));
  Members members(value, "");
  RemarkRequest out;
  out.remark = read_remark(kind, members);
  out.id = members.text("id");
  AVOUCH_CHECK(members.finish());
  if (!is_id(out.id)) {
    return rejected("id: expected 1 to " + std::to_string(RemarkRequest::kMaxId) +
                    " visible ASCII characters");
  }
  AVOUCH_CHECK(check_remark(out.remark, origin, ProofSize::kAsSent));
  return out;
}

}  // namespace avouch::tlog
