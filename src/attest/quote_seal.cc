#include "attest/quote_seal.h"

#include <exception>
#include <string>
#include <utility>

#include "base/packing.h"

namespace avouch::attest {

QuoteSeal::QuoteSeal(const VerifiedQuote& quote)
    : made_(true), digest_(crypto::sha256(pack(quote))) {}

Bytes QuoteSeal::pack(const VerifiedQuote& quote) {
  Packer out;
  const ByteView pcrs = quote.pcrs_.packed();
  out(Bytes(pcrs.begin(), pcrs.end()), static_cast<std::uint32_t>(quote.selection_.size()));
  for (const tpm::BankSelection& each : quote.selection_) out(each.bank, each.mask);
  const tpm::ClockInfo& clock = quote.state_.clock;
  out(clock.clock, clock.reset_count, clock.restart_count, clock.safe,
      quote.state_.firmware_version, quote.boot_, quote.beacon_.origin, quote.beacon_.size,
      quote.not_older_than_, quote.digest_, quote.ak_name_, quote.node_uid_);
  return std::move(out).finish();
}

Result<VerifiedQuote> QuoteSeal::open(ByteView packed) const {
  if (!made_ || crypto::sha256(packed) != digest_) {
    return rejected("a kept quote is not the one that was verified");
  }
  try {
    VerifiedQuote out;
    Unpacker in(packed);
    out.pcrs_ = tpm::PackedPcrs::of_packed(in.take<Bytes>());
    out.selection_.resize(in.take<std::uint32_t>());
    for (tpm::BankSelection& each : out.selection_) in(each.bank, each.mask);
    tpm::ClockInfo& clock = out.state_.clock;
    in(clock.clock, clock.reset_count, clock.restart_count, clock.safe, out.state_.firmware_version,
       out.boot_, out.beacon_.origin, out.beacon_.size, out.not_older_than_, out.digest_,
       out.ak_name_, out.node_uid_);
    in.finish();
    return out;
  } catch (const std::exception& error) {
    return rejected(std::string("a kept quote cannot be read: ") + error.what());
  }
}

}  // namespace avouch::attest
