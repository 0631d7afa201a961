#include "tlog/remark.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "codec/utf8.h"
#include "tlog/checkpoint.h"
#include "tlog/code_points.h"
#include "tlog/entry.h"
#include "tlog/log_proof.h"
#include "tlog/note.h"
#include "tlog/signed_statement.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kMaxOrigin = 512, kMaxValueName = 256;
constexpr std::uint64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();

constexpr std::array kNames = {
    std::pair{RemarkKind::kEndorsement, kEndorsementKind},
    std::pair{RemarkKind::kDispute, kDisputeKind},
    std::pair{RemarkKind::kMeasurement, kMeasurementKind},
    std::pair{RemarkKind::kSupersede, kSupersedeKind},
    std::pair{RemarkKind::kErasure, kErasureKind},
};

std::string item_of(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

Result<void> check_line(std::string_view text, std::size_t most, const std::string& where) {
  if (text.size() <= most && is_line(text)) return {};
  return rejected(where + ": expected 1 to " + std::to_string(most) +
                  " bytes of text without control characters");
}

Result<void> check_number(std::size_t count, std::size_t least, std::size_t most,
                          const std::string& where) {
  if (count >= least && count <= most) return {};
  return rejected(where + ": has " + std::to_string(count) + ", expected " + std::to_string(least) +
                  " to " + std::to_string(most));
}

// That it is a proof of that entry: who signed its checkpoint is not looked at.
Result<void> check_proof(const EntryReference& ref, ProofSize size) {
  if (size == ProofSize::kAsKept && ref.proof.size() > EntryReference::kMaxProofBytes) {
    return rejected("has " + std::to_string(ref.proof.size()) + " bytes, at most " +
                    std::to_string(EntryReference::kMaxProofBytes) + " are kept");
  }
  AVOUCH_TRY(const LogProof proof, parse_log_proof(ref.proof));
  if (proof.extra) return rejected("has an \"extra\" line; leave it out");
  if (proof.index != ref.index) {
    return rejected("is of entry " + std::to_string(proof.index) + ", expected " +
                    std::to_string(ref.index));
  }
  AVOUCH_TRY(const UnverifiedNote note, parse_note_unverified(proof.note));
  AVOUCH_TRY(const Checkpoint checkpoint, parse_checkpoint_unverified(note.text));
  if (checkpoint.origin != ref.origin) {
    return rejected("its checkpoint is of log " + codec::in_quotes(checkpoint.origin) +
                    ", expected " + codec::in_quotes(ref.origin));
  }
  return verify_inclusion(ref.index, checkpoint.size, ref.leaf, proof.path, checkpoint.root);
}

Result<void> check_reference(const EntryReference& ref, std::string_view origin, ProofSize size,
                             const std::string& where) {
  AVOUCH_CHECK(check_line(ref.origin, kMaxOrigin, where + ".origin"));
  if (ref.index > kMaxIndex) return rejected(where + ".index: expected a number below 2^63");
  if (ref.origin == origin) {
    if (ref.proof.empty()) return {};
    return rejected(where + ".proof: the entry is of this log, which needs none; leave it out");
  }
  if (ref.proof.empty()) {
    return rejected(where + ".proof: is missing; an entry of another log needs a tlog-proof");
  }
  const auto proof = check_proof(ref, size);
  return proof.has_value() ? proof : with_context(proof.error(), where + ".proof");
}

bool is_same_entry(const EntryReference& one, const EntryReference& other) {
  return one.index == other.index && one.origin == other.origin;
}

Result<void> check_references(const Remark& remark, std::string_view origin, ProofSize size) {
  const bool erases = remark.kind == RemarkKind::kErasure;
  AVOUCH_CHECK(check_number(remark.refs.size(), 1, erases ? 1 : Remark::kMaxRefs, "refs"));
  for (std::size_t i = 0; i < remark.refs.size(); ++i) {
    const EntryReference& ref = remark.refs[i];
    AVOUCH_CHECK(check_reference(ref, origin, size, item_of("refs", i)));
    for (std::size_t j = 0; j < i; ++j) {
      if (!is_same_entry(ref, remark.refs[j])) continue;
      return rejected(item_of("refs", i) + ": is the entry of " + item_of("refs", j));
    }
    if (remark.kind == RemarkKind::kSupersede && ref.origin != origin) {
      return rejected(item_of("refs", i) + ".origin: only remarks of this log, " +
                      codec::in_quotes(origin) + ", are superseded in it");
    }
    if (erases && ref.origin != origin) {
      return rejected(item_of("refs", i) + ".origin: only what this log, " +
                      codec::in_quotes(origin) + ", has is erased in it");
    }
  }
  return {};
}

Result<void> check_replacement(const Remark& remark, std::string_view origin, ProofSize size) {
  if (!remark.replacement) return {};
  if (remark.kind != RemarkKind::kSupersede) {
    return rejected("replacement: only a supersede has one");
  }
  AVOUCH_CHECK(check_reference(*remark.replacement, origin, size, "replacement"));
  if (remark.replacement->origin != origin) {
    return rejected("replacement.origin: expected this log, " + codec::in_quotes(origin));
  }
  for (std::size_t i = 0; i < remark.refs.size(); ++i) {
    if (is_same_entry(*remark.replacement, remark.refs[i])) {
      return rejected("replacement: is the entry of " + item_of("refs", i));
    }
  }
  return {};
}

Result<void> check_words(const Remark& remark) {
  if (!remark.text.empty()) return check_line(remark.text, Remark::kMaxText, "text");
  if (remark.kind == RemarkKind::kErasure) {
    return rejected("text: is missing; an erasure says why");
  }
  if (remark.kind != RemarkKind::kDispute) return {};
  return rejected("text: is missing; a dispute says what is wrong");
}

Result<void> check_material(const std::vector<Remark::Material>& material) {
  AVOUCH_CHECK(check_number(material.size(), 0, Remark::kMaxMaterial, "material"));
  for (std::size_t i = 0; i < material.size(); ++i) {
    if (!is_media_type(material[i].type)) {
      return rejected(item_of("material", i) +
                      ".type: expected a media type in lower case, such as " + "application/pdf");
    }
    const auto before = material.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(material.begin(), before, material[i]) != before) {
      return rejected(item_of("material", i) + ": stands there twice");
    }
  }
  return {};
}

std::size_t digest_size(std::string_view algorithm) {
  if (algorithm == "sha256") return 32;
  if (algorithm == "sha384") return 48;
  if (algorithm == "sha512") return 64;
  return 0;
}

Result<void> check_values(const Remark& remark) {
  if (remark.kind != RemarkKind::kMeasurement) {
    if (remark.values.empty()) return {};
    return rejected("values: only a measurement has them");
  }
  AVOUCH_CHECK(check_number(remark.values.size(), 1, Remark::kMaxValues, "values"));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < remark.values.size(); ++i) {
    const Remark::Value& value = remark.values[i];
    AVOUCH_CHECK(check_line(value.name, kMaxValueName, item_of("values", i) + ".name"));
    if (!names.insert(value.name).second) {
      return rejected(item_of("values", i) + ".name: stands there twice");
    }
    const std::size_t size = digest_size(value.algorithm);
    if (size == 0) {
      return rejected(item_of("values", i) + ".algorithm: expected sha256, sha384 or sha512");
    }
    if (value.digest.size() != size) {
      return rejected(item_of("values", i) + ".digest: has " + std::to_string(value.digest.size()) +
                      " bytes, of " + value.algorithm + " expected " + std::to_string(size));
    }
  }
  return {};
}

Result<void> check_before(const EntryReference& ref, std::string_view origin, std::uint64_t index,
                          const std::string& where) {
  if (ref.origin != origin || ref.index < index) return {};
  return rejected(where + ".index: entry " + std::to_string(index) +
                  " can only refer to entries of its log before it, not to " +
                  std::to_string(ref.index));
}

}  // namespace

std::string_view remark_name(RemarkKind kind) {
  for (const auto& [each, name] : kNames) {
    if (each == kind) return name;
  }
  return "";
}

std::optional<RemarkKind> remark_kind(std::string_view entry_kind) {
  for (const auto& [kind, name] : kNames) {
    if (name == entry_kind) return kind;
  }
  return std::nullopt;
}

Result<void> check_remark(const Remark& remark, std::string_view origin, ProofSize size) {
  AVOUCH_CHECK(check_references(remark, origin, size));
  AVOUCH_CHECK(check_replacement(remark, origin, size));
  AVOUCH_CHECK(check_words(remark));
  AVOUCH_CHECK(check_material(remark.material));
  return check_values(remark);
}

Result<void> check_order(const Remark& remark, std::string_view origin, std::uint64_t own_index) {
  for (std::size_t i = 0; i < remark.refs.size(); ++i) {
    AVOUCH_CHECK(check_before(remark.refs[i], origin, own_index, item_of("refs", i)));
  }
  if (!remark.replacement) return {};
  return check_before(*remark.replacement, origin, own_index, "replacement");
}

Result<void> check_sender(std::string_view by) {
  return check_line(by, RecordedRemark::kMaxSender, "by");
}

std::optional<std::uint64_t> erased_index(ByteView entry, ByteView preimage,
                                          std::uint64_t own_index) {
  // Of all entries: what is none is not parsed.
  constexpr std::string_view kErasureType = "application/vnd.avouch.erasure+cbor";
  if (preimage.empty() || as_text(entry).find(kErasureType) == std::string_view::npos) return {};
  const auto statement = parse_statement_unverified(entry);
  if (!statement.has_value() || statement->kind != kErasureKind) return {};
  const auto payload = open_preimage(statement->preimage_digest, preimage);
  if (!payload.has_value()) return {};
  const auto erasure = parse_remark(RemarkKind::kErasure, *payload, statement->issuer, own_index);
  if (!erasure.has_value()) return {};
  return erasure->remark.refs.front().index;
}

}  // namespace avouch::tlog
