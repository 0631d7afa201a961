#pragma once

// PEM (RFC 7468). Private to crypto/.

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::crypto {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  Bytes der;
};

// Every block of `text`, in order; text between blocks is skipped, as bundles carry comments.
// kRejected, with the block's number from 1: a block that does not end or decode, that has headers
// (encrypted keys), or more than `max_blocks`; also no block at all. `what` is for messages.
Result<std::vector<PemBlock>> read_pem(std::string_view text, std::size_t max_blocks,
                                       std::string_view what);

// The one block of `text`, with that label.
Result<Bytes> read_one_pem(std::string_view text, std::string_view label, std::string_view what);

std::string write_pem(const char* label, ByteView der);

}  // namespace avouch::crypto
