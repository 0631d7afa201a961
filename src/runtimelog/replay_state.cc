#include "runtimelog/replay_state.h"

#include <algorithm>
#include <string_view>

#include "runtimelog/entry.h"
#include "runtimelog/registers.h"

namespace avouch::runtimelog {
namespace {

constexpr std::string_view kMagic = "avrtlog1";

}  // namespace

BootIdentity boot_identity(ByteView ak_name, std::uint32_t reset_count) {
  Bytes preimage = to_bytes("avouch/boot/v1\n");
  append_be32(preimage, static_cast<std::uint32_t>(ak_name.size()));
  append(preimage, ak_name);
  append_be32(preimage, reset_count);
  return crypto::sha256(preimage);
}

BootIdentity boot_identity(const attest::VerifiedQuote& quote) {
  return boot_identity(quote.ak_name(), quote.state().clock.reset_count);
}

ReplayState ReplayState::start(const BootIdentity& boot, const tpm::PcrValues& quoted) {
  ReplayState out;
  out.boot_ = boot;
  for (const auto& [pcr, value] : quoted) {
    if (pcr.index == kImaPcr) out.banks_ |= bank_bit(pcr.bank);
  }
  if (out.has_bank(crypto::HashAlgorithm::kSha1)) out.extends_[0] = Extends::kOwnHash;
  return out;
}

bool ReplayState::has_bank(crypto::HashAlgorithm bank) const {
  return (banks_ & bank_bit(bank)) != 0;
}

Extends ReplayState::extends(crypto::HashAlgorithm bank) const {
  return extends_.at(bank_index(bank));
}

bool ReplayState::is_strong() const {
  return std::any_of(extends_.begin() + 1, extends_.end(),
                     [](Extends kind) { return kind == Extends::kOwnHash; });
}

Bytes ReplayState::encode() const {
  Bytes out = to_bytes(kMagic);
  out.reserve(kEncodedSize);
  append(out, ByteView(boot_));
  append_be64(out, entries_);
  append_u8(out, banks_);
  for (const Extends kind : extends_) append_u8(out, static_cast<std::uint8_t>(kind));
  append(out, ByteView(own_));
  append(out, ByteView(padded_));
  append(out, log_.encode());
  return out;
}

Result<ReplayState> ReplayState::decode(ByteView encoded) {
  const std::string what = "runtime log state: ";
  if (encoded.size() != kEncodedSize) {
    return rejected(what + std::to_string(encoded.size()) + " bytes, expected " +
                    std::to_string(kEncodedSize));
  }
  ByteReader reader(encoded);
  ReplayState out;
  const auto read = [&reader](auto& into) -> Result<void> {
    AVOUCH_TRY(const ByteView bytes, reader.take(into.size(), "runtime log state"));
    std::copy(bytes.begin(), bytes.end(), into.begin());
    return {};
  };
  AVOUCH_TRY(const ByteView magic, reader.take(kMagic.size(), "magic"));
  if (as_text(magic) != kMagic) return rejected(what + "not one of this version");
  AVOUCH_CHECK(read(out.boot_));
  AVOUCH_TRY(out.entries_, reader.be64("entries"));
  AVOUCH_TRY(out.banks_, reader.u8("banks"));
  if (out.banks_ > 15) return rejected(what + "a bank that is none");
  for (std::size_t i = 0; i < out.extends_.size(); ++i) {
    AVOUCH_TRY(const std::uint8_t kind, reader.u8("kind of a bank"));
    const bool present = (out.banks_ >> i & 1) != 0;
    const bool fits = i == 0 ? kind == (present ? 1 : 0) : kind <= 2 && (present || kind == 0);
    if (!fits) return rejected(what + "bank " + std::to_string(i) + " of an impossible kind");
    out.extends_[i] = static_cast<Extends>(kind);
  }
  AVOUCH_CHECK(read(out.own_));
  AVOUCH_CHECK(read(out.padded_));
  AVOUCH_TRY(const ByteView log, reader.take(crypto::ResumableSha256::kEncodedSize, "log digest"));
  AVOUCH_TRY(out.log_, crypto::ResumableSha256::decode(log));
  if ((out.entries_ == 0) != (out.log_.size() == 0)) {
    return rejected(what + "entries without bytes, or bytes without entries");
  }
  return out;
}

}  // namespace avouch::runtimelog
