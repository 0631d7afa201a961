#include "adapters/spool_record.h"

#include <algorithm>

#include "crypto/hash.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxRecord = 256 * 1024;
constexpr std::size_t kChecksum = 8;

}  // namespace

void encode_record(Bytes& out, const admission::LogRecord& record, SystemTime spooled) {
  Bytes rest;
  append_be64(rest, static_cast<std::uint64_t>(spooled.time_since_epoch().count()));
  append_be16(rest, static_cast<std::uint16_t>(record.id.size()));
  append(rest, record.id);
  append(rest, record.payload);
  const crypto::Sha256 digest = crypto::sha256(rest);
  append_be32(out, static_cast<std::uint32_t>(kChecksum + rest.size()));
  append(out, ByteView(digest).first(kChecksum));
  append(out, rest);
}

Result<SpooledRecord> decode_record(ByteView bytes) {
  ByteReader reader(bytes);
  AVOUCH_TRY(const std::uint32_t length, reader.be32("length"));
  if (length < kChecksum || length > kMaxRecord) return rejected("record: impossible length");
  AVOUCH_TRY(const ByteView checksum, reader.take(kChecksum, "checksum"));
  AVOUCH_TRY(const ByteView rest, reader.take(length - kChecksum, "record"));
  const crypto::Sha256 digest = crypto::sha256(rest);
  if (!std::equal(checksum.begin(), checksum.end(), digest.begin())) {
    return rejected("record: the checksum does not match");
  }
  ByteReader fields(rest);
  AVOUCH_TRY(const std::uint64_t time, fields.be64("time"));
  AVOUCH_TRY(const std::uint16_t id_length, fields.be16("id length"));
  AVOUCH_TRY(const ByteView id, fields.take(id_length, "id"));
  AVOUCH_TRY(const ByteView payload, fields.take(fields.remaining(), "payload"));
  SpooledRecord out;
  out.record = {std::string(as_text(id)), Bytes(payload.begin(), payload.end())};
  out.spooled = SystemTime(std::chrono::milliseconds(static_cast<std::int64_t>(time)));
  out.length = sizeof(std::uint32_t) + length;
  return out;
}

}  // namespace avouch::adapters
