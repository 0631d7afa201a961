#include "provision/corim.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/hex.h"
#include "codec/cbor.h"
#include "codec/cose.h"

namespace avouch::provision {
namespace {

using codec::Cbor;
using crypto::HashAlgorithm;

constexpr codec::CborLimits kLimits{.bytes = kMaxCorimBytes, .depth = 24, .items = 2'000'000};
constexpr std::uint64_t kCoseSign1 = 18, kUnsignedCorim = 501, kCoswid = 505, kComid = 506;
constexpr std::uint64_t kTime = 1, kUri = 32, kUuid = 37, kOid = 111, kPsaRefvalId = 601;
constexpr std::int64_t kCorimMeta = 8;                 // COSE header label
constexpr std::int64_t kMaxSeconds = 253'402'300'799;  // the year 9999
constexpr std::size_t kMaxName = 200;

std::string at(const std::string& place, std::string_view member) {
  return place + "." + std::string(member);
}
std::string at(const std::string& place, std::string_view member, std::size_t index) {
  return at(place, member) + "[" + std::to_string(index) + "]";
}
Error fault(const std::string& place, const std::string& what) {
  return rejected(place + ": " + what);
}

std::string key_text(const Cbor& key) {
  if (const auto* number = key.as_integer()) return std::to_string(*number);
  if (const auto* text = key.as_text()) return printable_path(*text);
  return "of another type";
}

struct Known {
  std::int64_t key;
  std::string_view name;
};

// Every member that is not one of `known` is at fault: it would change what the rest means.
Result<const Cbor::Map*> map_of(const Cbor& value, const std::string& place,
                                std::span<const Known> known, std::string_view why) {
  const Cbor::Map* map = value.as_map();
  if (map == nullptr) return fault(place, "expected a map");
  for (const auto& member : *map) {
    const auto* key = member.first.as_integer();
    const bool is_known =
        key != nullptr && std::any_of(known.begin(), known.end(),
                                      [key](const Known& each) { return each.key == *key; });
    if (is_known) continue;
    std::string expected;
    for (const Known& each : known) {
      expected += (expected.empty() ? "" : ", ") + std::to_string(each.key) + " (" +
                  std::string(each.name) + ")";
    }
    return fault(place, "member " + key_text(member.first) + " is not taken" + std::string(why) +
                            ": expected " + expected);
  }
  return map;
}

Result<const Cbor::Array*> array_of(const Cbor* value, const std::string& place) {
  if (value == nullptr || value->as_array() == nullptr || value->as_array()->empty()) {
    return fault(place, "expected an array that is not empty");
  }
  return value->as_array();
}

// What people call a thing that a text, a number or one of the tagged identifiers names.
std::string name_of(const Cbor& id) {
  if (const auto* text = id.as_text()) return printable_path(*text);
  if (const auto* number = id.as_integer()) return std::to_string(*number);
  if (const auto* bytes = id.as_bytes()) return to_hex(*bytes);
  if (const Cbor* uuid = id.as_tagged(kUuid); uuid != nullptr && uuid->as_bytes() != nullptr) {
    return "uuid " + to_hex(*uuid->as_bytes());
  }
  if (const Cbor* oid = id.as_tagged(kOid); oid != nullptr && oid->as_bytes() != nullptr) {
    return "oid " + to_hex(*oid->as_bytes());
  }
  if (const Cbor* psa = id.as_tagged(kPsaRefvalId)) {
    std::string out;
    for (const std::int64_t key : {1, 4}) {  // label, version
      const Cbor* part = psa->find(key);
      if (part == nullptr || part->as_text() == nullptr) continue;
      out += (out.empty() ? "" : " ") + printable_path(*part->as_text());
    }
    return out;
  }
  return "";
}

std::string shortened(std::string name) {
  if (name.size() > kMaxName) name.resize(kMaxName);
  return name;
}

std::optional<HashAlgorithm> named_algorithm(const Cbor& id) {
  struct Name {
    HashAlgorithm algorithm;
    std::int64_t named_information, cose;
    std::string_view text;
  };
  constexpr std::array<Name, 3> kNames = {{{HashAlgorithm::kSha256, 1, -16, "sha-256"},
                                           {HashAlgorithm::kSha384, 7, -43, "sha-384"},
                                           {HashAlgorithm::kSha512, 8, -44, "sha-512"}}};
  for (const Name& each : kNames) {
    const auto* number = id.as_integer();
    const auto* text = id.as_text();
    if (number != nullptr && (*number == each.named_information || *number == each.cose)) {
      return each.algorithm;
    }
    if (text != nullptr && *text == each.text) return each.algorithm;
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(CorimDigests digests, std::string_view profile)
      : digests_(digests), known_profile_(profile) {}

  // An unsigned CoRIM, tagged.
  Result<void> read(ByteView bytes, const std::string& place) {
    const auto parsed = codec::parse_cbor(bytes, kLimits);
    if (!parsed.has_value()) return with_context(parsed.error(), place);
    const Cbor* corim = parsed->as_tagged(kUnsignedCorim);
    if (corim == nullptr) {
      return fault(place, "expected CBOR tag 501, a CoRIM (500 and 502 are of drafts up to 03)");
    }
    constexpr std::array<Known, 6> kMembers = {{{0, "id"},
                                                {1, "tags"},
                                                {2, "dependent-rims"},
                                                {3, "profile"},
                                                {4, "rim-validity"},
                                                {5, "entities"}}};
    AVOUCH_CHECK(map_of(*corim, place, kMembers, ""));
    if (const Cbor* profile = corim->find(std::int64_t{3})) {
      AVOUCH_CHECK(check_profile(*profile, at(place, "profile")));
    }
    if (const Cbor* id = corim->find(std::int64_t{0})) {
      out_.draft.remarks.push_back("CoRIM " + shortened(name_of(*id)));
    }
    if (corim->find(std::int64_t{2}) != nullptr) {
      out_.draft.remarks.push_back("It names other CoRIMs that it depends on: they are not read.");
    }
    if (const Cbor* validity = corim->find(std::int64_t{4})) {
      AVOUCH_CHECK(add_validity(*validity, at(place, "rim-validity")));
    }
    AVOUCH_TRY(const auto* tags, array_of(corim->find(std::int64_t{1}), at(place, "tags")));
    for (std::size_t i = 0; i < tags->size(); ++i) {
      AVOUCH_CHECK(read_tag((*tags)[i], at(place, "tags", i)));
    }
    if (count_ == 0) return fault(place, "no reference value is in it");
    return {};
  }

  // A profile may change what all the rest means: by the draft, one that is not known must be
  // refused.
  Result<void> check_profile(const Cbor& profile, const std::string& place) const {
    const Cbor* uri = profile.as_tagged(kUri);
    const std::string name = shortened(name_of(uri == nullptr ? profile : *uri));
    if (!name.empty() && name == known_profile_) return {};
    return fault(place, "\"" + name +
                            "\" may change what the rest means, and is not known: where it leaves "
                            "digests in reference triples as they are, name it (--profile)");
  }

  Result<void> add_validity(const Cbor& validity, const std::string& place) {
    constexpr std::array<Known, 2> kMembers = {{{0, "not-before"}, {1, "not-after"}}};
    AVOUCH_CHECK(map_of(validity, place, kMembers, ""));
    return add_times(validity, 0, 1, place);
  }

  // RFC 8392, of the signature's header: nbf and exp. What else is claimed changes nothing.
  Result<void> add_claims(const Cbor& claims, const std::string& place) {
    if (claims.as_map() == nullptr) return fault(place, "expected a map");
    return add_times(claims, 5, 4, place);
  }
  Corim take() && {
    if (keys_ != 0) {
      out_.draft.remarks.push_back(std::to_string(keys_) +
                                   " triples of attestation or identity keys: not taken");
    }
    if (endorsed_ != 0) {
      out_.draft.remarks.push_back(std::to_string(endorsed_) +
                                   " triples of endorsed values, which say more of what is good "
                                   "already: not taken");
    }
    if (beside_ != 0) {
      out_.draft.remarks.push_back("Security versions or signers' keys beside the digests of " +
                                   std::to_string(beside_) +
                                   " measurements: not taken, as a digest is of one content alone");
    }
    for (const std::string& each : environments_) {
      out_.draft.remarks.push_back("Of environment " + each +
                                   ": which nodes that is, your policy says");
    }
    return std::move(out_);
  }

 private:
  Result<void> add_times(const Cbor& in, std::int64_t from, std::int64_t to,
                         const std::string& place) {
    for (const std::int64_t key : {from, to}) {
      const Cbor* value = in.find(key);
      if (value == nullptr) continue;
      const Cbor* tagged = value->as_tagged(kTime);
      const auto* seconds = (tagged != nullptr ? tagged : value)->as_integer();
      if (seconds == nullptr || *seconds < 0 || *seconds > kMaxSeconds) {
        return fault(place, "member " + std::to_string(key) +
                                ": expected a time in seconds since 1970 (tag 1)");
      }
      const SystemTime time{std::chrono::seconds(*seconds)};
      if (key == from) out_.not_before = std::max(out_.not_before.value_or(time), time);
      if (key == to) out_.not_after = std::min(out_.not_after.value_or(time), time);
    }
    return {};
  }

  Result<void> read_tag(const Cbor& tag, const std::string& place) {
    const Cbor* comid = tag.as_tagged(kComid);
    if (comid == nullptr || comid->as_bytes() == nullptr) {
      const bool coswid = tag.as_tagged(kCoswid) != nullptr;
      return fault(place, std::string(coswid ? "a CoSWID (tag 505) is not taken: " : "") +
                              "expected tag 506 over bytes, a CoMID");
    }
    const auto parsed = codec::parse_cbor(*comid->as_bytes(), kLimits);
    if (!parsed.has_value()) return with_context(parsed.error(), place);
    constexpr std::array<Known, 5> kMembers = {{{0, "language"},
                                                {1, "tag-identity"},
                                                {2, "entities"},
                                                {3, "linked-tags"},
                                                {4, "triples"}}};
    AVOUCH_CHECK(map_of(*parsed, place, kMembers, ""));
    if (parsed->find(std::int64_t{3}) != nullptr) {
      return fault(at(place, "linked-tags"),
                   "a CoMID that supplements or replaces another is not taken: nothing here knows "
                   "which of them you have");
    }
    const Cbor* triples = parsed->find(std::int64_t{4});
    const std::string in_triples = at(place, "triples");
    if (triples == nullptr) return fault(in_triples, "is required");
    constexpr std::array<Known, 6> kTriples = {{{0, "reference-triples"},
                                                {1, "endorsed-triples"},
                                                {2, "identity-triples"},
                                                {3, "attest-key-triples"},
                                                {8, "conditional-endorsement-series-triples"},
                                                {10, "conditional-endorsement-triples"}}};
    AVOUCH_CHECK(map_of(*triples, in_triples, kTriples,
                        " (which others it depends on has no place in a ReferenceManifest)"));
    const auto count = [&](std::int64_t key) {
      const Cbor* list = triples->find(key);
      return list == nullptr || list->as_array() == nullptr ? 0 : list->as_array()->size();
    };
    keys_ += count(2) + count(3);
    endorsed_ += count(1) + count(8) + count(10);
    const Cbor* references = triples->find(std::int64_t{0});
    if (references == nullptr) return {};
    AVOUCH_TRY(const auto* list, array_of(references, at(in_triples, "reference-triples")));
    for (std::size_t i = 0; i < list->size(); ++i) {
      AVOUCH_CHECK(read_triple((*list)[i], at(in_triples, "reference-triples", i)));
    }
    return {};
  }

  Result<void> read_triple(const Cbor& triple, const std::string& place) {
    const Cbor::Array* parts = triple.as_array();
    if (parts == nullptr || parts->size() != 2) {
      return fault(place, "expected an environment and its measurements");
    }
    AVOUCH_CHECK(read_environment((*parts)[0], at(place, "environment")));
    const Cbor& measurements = (*parts)[1];
    if (measurements.as_map() != nullptr) {
      return read_measurement(measurements, at(place, "measurement"));
    }
    AVOUCH_TRY(const auto* list, array_of(&measurements, at(place, "measurements")));
    for (std::size_t i = 0; i < list->size(); ++i) {
      AVOUCH_CHECK(read_measurement((*list)[i], at(place, "measurements", i)));
    }
    return {};
  }

  Result<void> read_environment(const Cbor& environment, const std::string& place) {
    constexpr std::array<Known, 3> kMembers = {{{0, "class"}, {1, "instance"}, {2, "group"}}};
    AVOUCH_CHECK(map_of(environment, place, kMembers, ""));
    for (const std::int64_t key : {1, 2}) {
      if (environment.find(key) == nullptr) continue;
      return fault(place,
                   "values of one instance or group are not taken: a ReferenceManifest is for all "
                   "nodes of the policies that name it");
    }
    std::string name;
    if (const Cbor* one = environment.find(std::int64_t{0})) {
      for (const std::int64_t key : {1, 2, 0}) {  // vendor, model, class-id
        const Cbor* part = one->find(key);
        if (part == nullptr || name_of(*part).empty()) continue;
        name += (name.empty() ? "" : " ") + name_of(*part);
      }
    }
    environment_ = shortened(std::move(name));
    if (!environment_.empty() && environments_.size() < 20) environments_.insert(environment_);
    return {};
  }

  Result<void> read_measurement(const Cbor& measurement, const std::string& place) {
    constexpr std::array<Known, 2> kMembers = {{{0, "mkey"}, {1, "mval"}}};
    AVOUCH_CHECK(map_of(measurement, place, kMembers, ""));
    const Cbor* values = measurement.find(std::int64_t{1});
    const std::string in_values = at(place, "mval");
    if (values == nullptr) return fault(in_values, "is required");
    constexpr std::array<Known, 5> kValues = {
        {{0, "version"}, {1, "svn"}, {2, "digests"}, {11, "name"}, {13, "cryptokeys"}}};
    AVOUCH_CHECK(map_of(*values, in_values, kValues,
                        " (a ReferenceManifest has digests alone; registers are for the policy's "
                        "pcrs.exact)"));
    std::string name;
    if (const Cbor* key = measurement.find(std::int64_t{0})) name = name_of(*key);
    if (const Cbor* own = values->find(std::int64_t{11}); own != nullptr && own->as_text()) {
      name += (name.empty() ? "" : " ") + printable_path(*own->as_text());
    }
    AVOUCH_TRY(const auto* digests,
               array_of(values->find(std::int64_t{2}), at(in_values, "digests")));
    if (values->find(std::int64_t{1}) != nullptr || values->find(std::int64_t{13}) != nullptr) {
      ++beside_;
    }
    if (name.empty()) name = environment_;
    for (std::size_t i = 0; i < digests->size(); ++i) {
      AVOUCH_CHECK(add_digest((*digests)[i], at(in_values, "digests", i), shortened(name)));
    }
    return {};
  }

  Result<void> add_digest(const Cbor& value, const std::string& place, const std::string& name) {
    const Cbor::Array* pair = value.as_array();
    if (pair == nullptr || pair->size() != 2 || (*pair)[1].as_bytes() == nullptr) {
      return fault(place, "expected an algorithm and the digest's bytes");
    }
    const auto algorithm = named_algorithm((*pair)[0]);
    if (!algorithm) {
      return fault(place, "algorithm " + key_text((*pair)[0]) +
                              " is not accepted: expected SHA-256 (1 or -16), SHA-384 (7 or -43) "
                              "or SHA-512 (8 or -44)");
    }
    const auto digest = reference::make_digest(*algorithm, *(*pair)[1].as_bytes());
    if (!digest.has_value()) return with_context(digest.error(), place);
    ++count_;
    if (digests_ == CorimDigests::kIma) return out_.draft.files.add(*digest, name);
    if (!seen_.insert(*digest).second) return {};
    reference::BootComponent component{
        .name = name.empty() ? "of a CoRIM" : name, .authenticode = {}, .digest = {}};
    (digests_ == CorimDigests::kAuthenticode ? component.authenticode : component.digest) = *digest;
    out_.draft.boot_components.push_back(std::move(component));
    return {};
  }

  const CorimDigests digests_;
  const std::string_view known_profile_;
  Corim out_;
  std::set<reference::Digest> seen_;
  std::set<std::string> environments_;
  std::string environment_;  // of the triple that is being read
  std::size_t count_ = 0, keys_ = 0, endorsed_ = 0, beside_ = 0;
};

// Whether it begins with the tag of a COSE_Sign1.
bool looks_signed(ByteView file) {
  const Bytes tag = {0xc0 | kCoseSign1};
  return !file.empty() && file.front() == tag.front();
}

}  // namespace

Result<Corim> read_corim(ByteView file, CorimDigests digests, const crypto::PublicKey* key,
                         std::string_view profile) {
  if (file.size() > kMaxCorimBytes) {
    return rejected("a CoRIM of " + std::to_string(file.size()) + " bytes, expected at most " +
                    std::to_string(kMaxCorimBytes));
  }
  Reader reader(digests, profile);
  if (!looks_signed(file)) {
    if (key != nullptr)
      return rejected("it is not signed (COSE_Sign1, tag 18), and a key is given");
    AVOUCH_CHECK(reader.read(file, "corim"));
    return std::move(reader).take();
  }
  const auto message = codec::parse_sign1_unverified(file, kLimits, codec::kEs256OrEs384);
  if (!message.has_value()) return with_context(message.error(), "signed corim");
  if (key != nullptr) {
    const auto verified = codec::verify_sign1(*message, *key);
    if (!verified.has_value()) return with_context(verified.error(), "signed corim");
  }
  const Cbor* type = message->protected_header.find(codec::kCoseContentType);
  if (type == nullptr || type->as_text() == nullptr || *type->as_text() != "application/rim+cbor") {
    return fault("signed corim", "expected content type application/rim+cbor in its header");
  }
  if (const Cbor* meta = message->protected_header.find(kCorimMeta)) {
    if (meta->as_bytes() == nullptr) return fault("signed corim.meta", "expected bytes");
    const auto parsed = codec::parse_cbor(*meta->as_bytes(), kLimits);
    if (!parsed.has_value()) return with_context(parsed.error(), "signed corim.meta");
    constexpr std::array<Known, 2> kMembers = {{{0, "signer"}, {1, "signature-validity"}}};
    AVOUCH_CHECK(map_of(*parsed, "signed corim.meta", kMembers, ""));
    if (const Cbor* validity = parsed->find(std::int64_t{1})) {
      AVOUCH_CHECK(reader.add_validity(*validity, "signed corim.meta.signature-validity"));
    }
  }
  if (const Cbor* claims = message->protected_header.find(codec::kCoseCwtClaims)) {
    AVOUCH_CHECK(reader.add_claims(*claims, "signed corim.cwt-claims"));
  }
  if (!message->payload)
    return fault("signed corim", "has no payload: a detached one is not taken");
  AVOUCH_CHECK(reader.read(*message->payload, "corim"));
  Corim out = std::move(reader).take();
  out.is_signed = true;
  return out;
}

}  // namespace avouch::provision
