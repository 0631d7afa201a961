#include "control/kept_evidence.h"

#include <stdexcept>
#include <utility>

#include "codec/cbor.h"

namespace avouch::control {
namespace {

using codec::Cbor;

enum Key : std::int64_t {
  kNodeUid = 1,
  kBeaconText,
  kMessage,
  kSignature,
  kBeaconOrigin,
  kBeaconSize,
  kBootLogDigest,
  kBootLogSize,
  kRuntimeEntries,
  kRuntimeDigest,
  kRuntimeOffset,
  kAgentVersion,
  kManufacturer,
  kFirmware,
};

class Writer {
 public:
  void text(Key key, std::string_view value) { put(key, Cbor::bytes(as_bytes(value))); }
  void bytes(Key key, ByteView value) { put(key, Cbor::bytes(value)); }
  // All 64 bits, which CBOR's signed integers do not hold.
  void number(Key key, std::uint64_t value) {
    put(key, Cbor::integer(static_cast<std::int64_t>(value)));
  }
  Bytes finish() && {
    Bytes out = codec::to_cbor(Cbor::map(std::move(map_)));
    out.shrink_to_fit();
    return out;
  }

 private:
  void put(Key key, Cbor value) { map_.emplace_back(Cbor::integer(key), std::move(value)); }
  Cbor::Map map_;
};

// Of what Writer wrote: anything else is a mistake in here, at which it throws.
class Reader {
 public:
  explicit Reader(ByteView packed) {
    auto parsed = codec::parse_cbor(packed);
    if (!parsed.has_value()) throw std::logic_error("kept evidence: " + parsed.error().message);
    map_ = *std::move(parsed);
  }
  bool has(Key key) const { return map_.find(std::int64_t{key}) != nullptr; }
  Bytes bytes(Key key) const { return value(key, &Cbor::as_bytes); }
  std::string text(Key key) const {
    const Bytes out = bytes(key);
    return {out.begin(), out.end()};
  }
  std::uint64_t number(Key key) const {
    return static_cast<std::uint64_t>(value(key, &Cbor::as_integer));
  }
  crypto::Sha256 digest(Key key) const {
    const Bytes read = bytes(key);
    crypto::Sha256 out{};
    if (read.size() != out.size()) throw std::logic_error("kept evidence: no digest");
    std::copy(read.begin(), read.end(), out.begin());
    return out;
  }

 private:
  template <typename T>
  T value(Key key, const T* (Cbor::*as)() const) const {
    const Cbor* found = map_.find(std::int64_t{key});
    const T* out = found == nullptr ? nullptr : (found->*as)();
    if (out == nullptr) throw std::logic_error("kept evidence: no member of that kind");
    return *out;
  }
  Cbor map_;
};

Bytes pack(const attest::UnverifiedEvidence& evidence, std::string_view beacon_text) {
  Writer out;
  out.text(kNodeUid, evidence.node_uid);
  out.text(kBeaconText, beacon_text);
  if (evidence.quote) {
    out.bytes(kMessage, evidence.quote->message);
    out.bytes(kSignature, evidence.quote->signature);
    out.text(kBeaconOrigin, evidence.quote->beacon.origin);
    out.number(kBeaconSize, evidence.quote->beacon.size);
  }
  if (evidence.boot_log) {
    out.bytes(kBootLogDigest, evidence.boot_log->digest);
    out.number(kBootLogSize, evidence.boot_log->size);
  }
  if (evidence.runtime_log) {
    out.number(kRuntimeEntries, evidence.runtime_log->entries);
    out.bytes(kRuntimeDigest, evidence.runtime_log->digest);
    out.number(kRuntimeOffset, evidence.runtime_log->offset);
  }
  out.text(kAgentVersion, evidence.agent.version);
  out.text(kManufacturer, evidence.agent.tpm_manufacturer);
  out.text(kFirmware, evidence.agent.firmware_version);
  return std::move(out).finish();
}

}  // namespace

KeptEvidence::KeptEvidence(const attest::UnverifiedEvidence& evidence,
                           const attest::VerifiedQuote& quote, std::string_view beacon_text)
    : KeptEvidence(evidence, quote.packed_pcrs(), beacon_text) {}

KeptEvidence::KeptEvidence(const attest::UnverifiedEvidence& evidence, std::string_view beacon_text)
    : KeptEvidence(evidence, tpm::PackedPcrs(evidence.pcrs), beacon_text) {}

KeptEvidence::KeptEvidence(const attest::UnverifiedEvidence& evidence, tpm::PackedPcrs pcrs,
                           std::string_view beacon_text)
    : pcrs_(std::move(pcrs)), rest_(pack(evidence, beacon_text)) {}

attest::UnverifiedEvidence KeptEvidence::evidence() const {
  const Reader in(*rest_);
  attest::UnverifiedEvidence out;
  out.node_uid = in.text(kNodeUid);
  out.pcrs = pcrs_.unpack();
  if (in.has(kMessage)) {
    out.quote = attest::UnverifiedQuote{
        .message = in.bytes(kMessage),
        .signature = in.bytes(kSignature),
        .beacon = {.origin = in.text(kBeaconOrigin), .size = in.number(kBeaconSize)}};
  }
  if (in.has(kBootLogDigest)) {
    out.boot_log = attest::BootLogReference{.digest = in.digest(kBootLogDigest),
                                            .size = in.number(kBootLogSize)};
  }
  if (in.has(kRuntimeDigest)) {
    out.runtime_log = attest::RuntimeLogReference{.entries = in.number(kRuntimeEntries),
                                                  .digest = in.digest(kRuntimeDigest),
                                                  .offset = in.number(kRuntimeOffset)};
  }
  out.agent = {.version = in.text(kAgentVersion),
               .tpm_manufacturer = in.text(kManufacturer),
               .firmware_version = in.text(kFirmware)};
  return out;
}

std::string KeptEvidence::beacon_text() const { return Reader(*rest_).text(kBeaconText); }

}  // namespace avouch::control
