#pragma once

// The bytes of a spooled record. Internal to the spool.

#include "admission/log_endpoint.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace avouch::adapters {

struct SpooledRecord {
  admission::LogRecord record;
  SystemTime spooled{};
  std::size_t length = 0;  // encoded, header included
};

void encode_record(Bytes& out, const admission::LogRecord& record, SystemTime spooled);

// The record at the front of `bytes`. kRejected for one that is cut or damaged.
Result<SpooledRecord> decode_record(ByteView bytes);

}  // namespace avouch::adapters
