#include "tlog/witness_journal.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "crypto/hash.h"
#include "tlog/checkpoint.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kWitnessMagic = "avouch-witness/v1\n";
static_assert(kWitnessMagic.size() + WitnessSeed{}.size() == kWitnessHeaderBytes);
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kLengthCheckBytes = 8;
constexpr std::size_t kBatchDigestBytes = 32;
static_assert(kLengthBytes + kLengthCheckBytes + kBatchDigestBytes == kWitnessBatchHeaderBytes);

Error damaged_record(std::uint64_t offset, const std::string& what) {
  return fatal("offset " + std::to_string(offset) + ": " + what);
}

Bytes prefix_of(ByteView header, std::uint64_t offset, std::size_t length) {
  Bytes prefix(header.begin(), header.end());
  append_be64(prefix, offset);
  append_be32(prefix, static_cast<std::uint32_t>(length));
  return prefix;
}

// Over where the batch is and how long: so a damaged length is not taken for an interrupted write.
crypto::Sha256 length_check(ByteView header, std::uint64_t offset, std::size_t length) {
  return crypto::sha256(prefix_of(header, offset, length));
}

crypto::Sha256 digest_of(ByteView header, std::uint64_t offset, ByteView body) {
  Bytes all = prefix_of(header, offset, body.size());
  append(all, body);
  return crypto::sha256(all);
}

Result<void> read_change(ByteReader& body, WitnessNotes& out) {
  AVOUCH_TRY(const std::uint16_t origin_bytes, body.be16("length of an origin"));
  AVOUCH_TRY(const ByteView origin, body.take(origin_bytes, "origin"));
  AVOUCH_TRY(const std::uint32_t note_bytes, body.be32("length of a note"));
  if (note_bytes > kMaxWitnessNoteBytes) return rejected("a note is too long");
  AVOUCH_TRY(const ByteView stored, body.take(note_bytes, "note"));
  // Earlier versions kept every line that was sent, more than a note may have too.
  AVOUCH_TRY(std::string note, with_one_line_a_key(as_text(stored)));
  AVOUCH_TRY(const UnverifiedNote parsed, parse_note_unverified(note));
  AVOUCH_TRY(const Checkpoint checkpoint, parse_checkpoint_unverified(parsed.text));
  if (checkpoint.origin != as_text(origin)) return rejected("a note is of another origin");
  out.latest.insert_or_assign(std::string(as_text(origin)), std::move(note));
  if (out.latest.size() > kMaxWitnessedOrigins) {
    return rejected("more than " + std::to_string(kMaxWitnessedOrigins) + " logs");
  }
  return {};
}

// The batch at out.end; out.torn where it is not whole.
Result<void> read_batch(ByteView file, WitnessNotes& out) {
  const ByteView header = file.first(kWitnessHeaderBytes);
  const ByteView rest = file.subspan(out.end);
  if (rest.size() < kWitnessBatchHeaderBytes ||
      std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; })) {
    out.torn = rest.size();
    return {};
  }
  ByteReader reader(rest);
  AVOUCH_TRY(const std::uint32_t length, reader.be32("length"));
  AVOUCH_TRY(const ByteView check, reader.take(kLengthCheckBytes, "check"));
  AVOUCH_TRY(const ByteView digest, reader.take(kBatchDigestBytes, "digest"));
  const crypto::Sha256 expected = length_check(header, out.end, length);
  if (length == 0 || length > kMaxWitnessBatchBytes ||
      !equal(check, ByteView(expected).first(kLengthCheckBytes))) {
    return rejected("no batch begins here");
  }
  if (reader.remaining() < length) {
    out.torn = rest.size();
    return {};
  }
  AVOUCH_TRY(const ByteView body, reader.take(length, "body"));
  if (!equal(digest, digest_of(header, out.end, body))) return rejected("the batch is damaged");
  ByteReader changes(body);
  while (!changes.at_end()) AVOUCH_CHECK(read_change(changes, out));
  out.end += reader.offset();
  return {};
}

}  // namespace

std::size_t witness_change_bytes(const WitnessChange& change) {
  return 2 + change.origin.size() + 4 + change.note.size();
}

Bytes format_witness_header(const WitnessSeed& seed) {
  Bytes header = to_bytes(kWitnessMagic);
  append(header, seed);
  return header;
}

Result<Bytes> format_witness_batch(ByteView header, std::uint64_t offset,
                                   std::span<const WitnessChange> changes) {
  Bytes body;
  for (const WitnessChange& change : changes) {
    if (change.origin.empty() || change.origin.size() > 0xffff || change.note.empty() ||
        change.note.size() > kMaxWitnessNoteBytes) {
      return rejected("origin of " + std::to_string(change.origin.size()) + " bytes, note of " +
                      std::to_string(change.note.size()) + ": expected 1 to 65535, and 1 to " +
                      std::to_string(kMaxWitnessNoteBytes));
    }
    append_be16(body, static_cast<std::uint16_t>(change.origin.size()));
    append(body, change.origin);
    append_be32(body, static_cast<std::uint32_t>(change.note.size()));
    append(body, change.note);
  }
  if (body.empty() || body.size() > kMaxWitnessBatchBytes) {
    return rejected("batch of " + std::to_string(body.size()) + " bytes: expected 1 to " +
                    std::to_string(kMaxWitnessBatchBytes));
  }
  const crypto::Sha256 check = length_check(header, offset, body.size());
  Bytes batch;
  append_be32(batch, static_cast<std::uint32_t>(body.size()));
  append(batch, ByteView(check).first(kLengthCheckBytes));
  append(batch, digest_of(header, offset, body));
  append(batch, body);
  return batch;
}

Result<WitnessNotes> parse_witness_journal(ByteView file) {
  if (file.size() < kWitnessHeaderBytes || !as_text(file).starts_with(kWitnessMagic)) {
    return damaged_record(0, "expected \"avouch-witness/v1\" and a seed");
  }
  WitnessNotes out;
  out.end = kWitnessHeaderBytes;
  while (out.torn == 0 && out.end < file.size()) {
    const std::uint64_t offset = out.end;
    const auto read = read_batch(file, out);
    if (!read.has_value()) return damaged_record(offset, read.error().message);
  }
  return out;
}

}  // namespace avouch::tlog
