#pragma once

// A verified quote that is kept elsewhere than in memory, where anybody may have changed it.

#include "attest/quote.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::attest {

// Stays in memory. Can be made of a verified quote alone, and gives one back only for the very
// bytes that it was made with: so that nothing but verify_quote ever makes one.
class QuoteSeal {
 public:
  QuoteSeal() = default;  // of no quote: opens nothing
  explicit QuoteSeal(const VerifiedQuote& quote);

  // What is to be kept, of the quote that the seal was made of: no format that lasts.
  static Bytes pack(const VerifiedQuote& quote);
  // kRejected: these are not the bytes.
  Result<VerifiedQuote> open(ByteView packed) const;

 private:
  bool made_ = false;
  crypto::Sha256 digest_{};
};

}  // namespace avouch::attest
