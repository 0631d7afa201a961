#include "tlog/journal.h"

#include <algorithm>
#include <optional>
#include <string>

#include "crypto/hash.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kSegmentMagic = "avouch-journal1\n";
constexpr std::string_view kBatchMagic = "AVJB";
constexpr std::size_t kHeaderDigestOffset = 40, kHeaderDigestBytes = 8;
constexpr std::size_t kBatchHeaderBytes = 24, kBatchCheckBytes = 4, kDigestBytes = 32;

struct BatchHeader {
  std::uint32_t body_bytes = 0;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
};

// What ties a batch to its place: the segment's header (with its seed) and the offset in it.
Bytes place_of(ByteView segment_header, std::uint64_t offset) {
  Bytes place(segment_header.begin(), segment_header.end());
  append_be64(place, offset);
  return place;
}

Bytes header_check(ByteView segment_header, std::uint64_t offset, ByteView header) {
  Bytes input = place_of(segment_header, offset);
  append(input, header);
  const crypto::Sha256 digest = crypto::sha256(input);
  return Bytes(digest.begin(), digest.begin() + kBatchCheckBytes);
}

Bytes batch_digest(ByteView segment_header, std::uint64_t offset, ByteView header_and_body) {
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
  hasher.update(place_of(segment_header, offset));
  hasher.update(header_and_body);
  return hasher.finish();
}

// The header at `offset`, if one is there that belongs there.
std::optional<BatchHeader> header_at(ByteView bytes, ByteView segment_header,
                                     std::uint64_t offset) {
  const ByteView rest = bytes.subspan(offset);
  if (rest.size() < kBatchHeaderBytes || !equal(rest.first(4), as_bytes(kBatchMagic))) return {};
  const ByteView checked = rest.first(kBatchHeaderBytes - kBatchCheckBytes);
  const ByteView check = rest.subspan(checked.size(), kBatchCheckBytes);
  if (!equal(check, header_check(segment_header, offset, checked))) return {};
  ByteReader reader(checked.subspan(4));
  BatchHeader header;
  header.body_bytes = reader.be32("batch").value();
  header.first = reader.be64("batch").value();
  header.count = reader.be32("batch").value();
  return header;
}

// A whole batch at `offset`: its header and body.
std::optional<std::pair<BatchHeader, ByteView>> batch_at(ByteView bytes, ByteView segment_header,
                                                         std::uint64_t offset) {
  const auto header = header_at(bytes, segment_header, offset);
  if (!header) return {};
  const ByteView rest = bytes.subspan(offset);
  if (rest.size() < kBatchHeaderBytes + kDigestBytes + header->body_bytes) return {};
  const ByteView covered = rest.first(kBatchHeaderBytes + header->body_bytes);
  const ByteView digest = rest.subspan(covered.size(), kDigestBytes);
  if (!equal(digest, batch_digest(segment_header, offset, covered))) return {};
  return std::pair(*header, covered.subspan(kBatchHeaderBytes));
}

Result<Record> read_record(ByteReader& reader, std::uint64_t index) {
  Record record;
  record.index = index;
  AVOUCH_TRY(const std::uint16_t entry_length, reader.be16("journal: length of an entry"));
  AVOUCH_TRY(const ByteView entry, reader.take(entry_length, "journal: entry"));
  AVOUCH_TRY(const std::uint16_t id_length, reader.be16("journal: length of an id"));
  AVOUCH_TRY(const ByteView id, reader.take(id_length, "journal: id"));
  AVOUCH_TRY(const std::uint32_t length, reader.be32("journal: length of a preimage"));
  AVOUCH_TRY(const ByteView preimage, reader.take(length, "journal: preimage"));
  record.entry.assign(entry.begin(), entry.end());
  record.id = std::string(as_text(id));
  record.preimage.assign(preimage.begin(), preimage.end());
  return record;
}

Result<void> read_records(const BatchHeader& header, ByteView body, std::uint64_t from,
                          std::vector<Record>& out) {
  ByteReader reader(body);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    AVOUCH_TRY(Record record, read_record(reader, header.first + i));
    if (record.index >= from) out.push_back(std::move(record));
  }
  return reader.expect_end("journal: batch");
}

// Whether a whole batch begins anywhere behind `offset`.
bool batch_follows(ByteView bytes, ByteView segment_header, std::uint64_t offset) {
  const ByteView magic = as_bytes(kBatchMagic);
  auto at = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  while (at != bytes.end()) {
    at = std::search(at + 1, bytes.end(), magic.begin(), magic.end());
    if (at == bytes.end()) return false;
    const auto found = static_cast<std::uint64_t>(at - bytes.begin());
    if (batch_at(bytes, segment_header, found)) return true;
  }
  return false;
}

Error damaged(std::uint64_t offset, std::string_view why) {
  return fatal("journal: damaged at offset " + std::to_string(offset) + ": " + std::string(why) +
               ". Acknowledged entries lie here: restore the log's directory, do not delete it");
}

}  // namespace

Bytes format_segment_header(std::uint64_t first, const SegmentSeed& seed) {
  Bytes header = to_bytes(kSegmentMagic);
  append_be64(header, first);
  append(header, seed);
  const crypto::Sha256 digest = crypto::sha256(header);
  append(header, ByteView(digest).first(kHeaderDigestBytes));
  return header;
}

Bytes format_batch(ByteView segment_header, std::uint64_t offset, std::span<const Record> batch) {
  std::size_t body_bytes = 0;
  for (const Record& record : batch) {
    body_bytes += 8 + record.entry.size() + record.id.size() + record.preimage.size();
  }
  Bytes out;
  out.reserve(kBatchHeaderBytes + body_bytes + kDigestBytes);
  append(out, kBatchMagic);
  append_be32(out, static_cast<std::uint32_t>(body_bytes));
  append_be64(out, batch.front().index);
  append_be32(out, static_cast<std::uint32_t>(batch.size()));
  append(out, header_check(segment_header, offset, out));
  for (const Record& record : batch) {
    append_be16(out, static_cast<std::uint16_t>(record.entry.size()));
    append(out, record.entry);
    append_be16(out, static_cast<std::uint16_t>(record.id.size()));
    append(out, record.id);
    append_be32(out, static_cast<std::uint32_t>(record.preimage.size()));
    append(out, record.preimage);
  }
  append(out, batch_digest(segment_header, offset, out));
  return out;
}

Result<Segment> parse_segment(ByteView bytes, std::uint64_t from, bool last) {
  if (bytes.size() < kSegmentHeaderBytes || !equal(bytes.first(16), as_bytes(kSegmentMagic))) {
    return damaged(0, "no header of a journal of format 1");
  }
  const ByteView segment_header = bytes.first(kSegmentHeaderBytes);
  const crypto::Sha256 digest = crypto::sha256(segment_header.first(kHeaderDigestOffset));
  if (!equal(ByteView(digest).first(kHeaderDigestBytes),
             segment_header.subspan(kHeaderDigestOffset))) {
    return damaged(0, "the header's digest does not match");
  }
  ByteReader header_reader(segment_header.subspan(kSegmentMagic.size()));
  Segment segment;
  segment.first = header_reader.be64("journal: first index").value();
  segment.next = segment.first;
  segment.end = kSegmentHeaderBytes;

  while (segment.end < bytes.size()) {
    const auto batch = batch_at(bytes, segment_header, segment.end);
    if (!batch) break;
    const auto& [header, body] = *batch;
    if (header.first != segment.next || header.count == 0) {
      return damaged(segment.end, "the batch begins with index " + std::to_string(header.first) +
                                      ", expected " + std::to_string(segment.next));
    }
    const auto read = read_records(header, body, from, segment.records);
    if (!read.has_value()) return damaged(segment.end, read.error().message);
    segment.next += header.count;
    segment.end += kBatchHeaderBytes + body.size() + kDigestBytes;
  }

  segment.torn = bytes.size() - segment.end;
  if (segment.torn == 0) return segment;
  if (!last) return damaged(segment.end, "no whole batch, but a newer segment follows");
  if (batch_follows(bytes, segment_header, segment.end)) {
    return damaged(segment.end, "no whole batch, but whole batches follow");
  }
  return segment;
}

}  // namespace avouch::tlog
