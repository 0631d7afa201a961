#pragma once

// Remarks: entries of the log's own that say something about other entries, of this log or another,
// in the name of whoever sent it (FORMAT.md, 'Remark'). Pure and thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/hash.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// An entry of some log. What it says of the entry is proven by reference_proof.h alone.
struct EntryReference {
  static constexpr std::size_t kMaxProofBytes = 8192;  // as it is kept

  std::string origin;       // of the log that the entry is in
  std::uint64_t index = 0;  // below 2^63
  Hash leaf{};
  std::string proof;  // a tlog-proof; "" where the entry is of the remark's own log
  bool operator==(const EntryReference&) const = default;
};

enum class RemarkKind { kEndorsement, kDispute, kMeasurement, kSupersede, kErasure };

// The kind of its entries: "endorsement".
std::string_view remark_name(RemarkKind kind);
std::optional<RemarkKind> remark_kind(std::string_view entry_kind);

struct Remark {
  static constexpr std::size_t kMaxRefs = 8, kMaxText = 2048, kMaxMaterial = 16, kMaxValues = 16;

  struct Material {
    std::string type;  // a media type
    crypto::Sha256 digest{};
    bool operator==(const Material&) const = default;
  };
  struct Value {
    std::string name;
    std::string algorithm;  // "sha256", "sha384" or "sha512"
    Bytes digest;
    bool operator==(const Value&) const = default;
  };

  RemarkKind kind = RemarkKind::kEndorsement;
  std::vector<EntryReference> refs;
  std::string text;  // "" where there is none
  std::vector<Material> material;
  std::vector<Value> values;
  std::optional<EntryReference> replacement;
  bool operator==(const Remark&) const = default;
};

// What is in the log: also who said it, and when.
struct RecordedRemark {
  static constexpr std::size_t kMaxSender = 512;

  Remark remark;
  std::string by;
  SystemTime time{};
  bool operator==(const RecordedRemark&) const = default;
};

// What somebody sends to have it recorded. The same request of the same sender is one remark; `id`
// is theirs, to say the same again.
struct RemarkRequest {
  static constexpr std::size_t kMaxBytes = 65'535, kMaxId = 64;

  std::string id;  // 1 to 64 visible ASCII characters
  Remark remark;
  bool operator==(const RemarkRequest&) const = default;
};

// How much of a note a proof may carry: in a request also lines of those whom nobody asked.
enum class ProofSize { kAsSent, kAsKept };

// All that FORMAT.md says of a remark in the log of `origin`, but for what takes keys or the log.
// kRejected begins with the member that is at fault: "refs[1].proof: ...".
Result<void> check_remark(const Remark& remark, std::string_view origin,
                          ProofSize size = ProofSize::kAsKept);

// That it refers to no entry of its own log that is not before it: kRejected.
Result<void> check_order(const Remark& remark, std::string_view origin, std::uint64_t own_index);

// Whether a user of that name can be the sender of one: kRejected unless it is a line of 1 to 512
// bytes.
Result<void> check_sender(std::string_view by);

// What make_entry() takes. kRejected: as check_remark and check_sender; a time before 1970.
Result<codec::Cbor> remark_payload(const RecordedRemark& remark, std::string_view origin);

// The payload of a remark of `kind` in the log of `origin`, at `own_index`. kRejected: a member
// that is missing, unknown or of another type; another version; as remark_payload; as check_order.
Result<RecordedRemark> parse_remark(RemarkKind kind, const codec::Cbor& payload,
                                    std::string_view origin, std::uint64_t own_index);

// What is sent (docs/interfaces.md, 'Log, authenticated side'): the members of the payload without
// `time` and `by`, and `id`. Its kind is not in it.
Bytes format_remark_request(const RemarkRequest& request);

// kRejected: more than RemarkRequest::kMaxBytes, no deterministic CBOR, a member that is missing,
// unknown or of another type; another version; an id of another form; as check_remark.
Result<RemarkRequest> parse_remark_request(RemarkKind kind, ByteView body, std::string_view origin);

// The entry whose content is erased by the one at `own_index`; nothing where that is no erasure
// that can be read. Its signature is not checked, nor whether it refers to that very entry.
std::optional<std::uint64_t> erased_index(ByteView entry, ByteView preimage,
                                          std::uint64_t own_index);

}  // namespace avouch::tlog
