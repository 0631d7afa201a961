#include "runtimelog/replay.h"

#include <algorithm>

#include "runtimelog/registers.h"

namespace avouch::runtimelog {
namespace {

constexpr std::size_t kLegacyNameBytes = 256;  // IMA_EVENT_NAME_LEN_MAX and a NUL

using LegacyData = std::array<std::uint8_t, 20 + kLegacyNameBytes>;

// The legacy template is hashed as digest and path, the path padded with zeros; one that is too
// long for that is refused by read_fields() and hashed here as far as there is room.
LegacyData legacy_data(const Entry& entry) {
  LegacyData out{};
  std::copy_n(entry.data.begin(), 20, out.begin());
  const ByteView path = entry.data.subspan(24);
  std::copy_n(path.begin(), std::min(path.size(), kLegacyNameBytes), out.begin() + 20);
  return out;
}

// What an entry's template hash is over.
class HashedData {
 public:
  explicit HashedData(const Entry& entry) : view_(entry.data) {
    if (!entry.is_legacy()) return;
    legacy_ = legacy_data(entry);
    view_ = legacy_;
  }
  HashedData(const HashedData&) = delete;
  HashedData& operator=(const HashedData&) = delete;
  ByteView view() const { return view_; }

 private:
  LegacyData legacy_{};
  ByteView view_;
};

}  // namespace

bool has_digest_of_its_data(const Entry& entry) {
  if (entry.is_violation()) return true;
  const HashedData hashed(entry);
  TemplateDigest sha1{};
  crypto::hash_into(crypto::HashAlgorithm::kSha1, {hashed.view()}, sha1);
  return sha1 == entry.template_digest;
}

Replay::Replay(const ReplayState& from, const tpm::PcrValues& quoted) : state_(from) {
  for (const auto& [pcr, value] : quoted) {
    if (pcr.index == kImaPcr) quoted_.at(bank_index(pcr.bank)) = value;
  }
}

Replay::DigestField Replay::extend(const Entry& entry) {
  const HashedData hashed(entry);
  const ByteView data = hashed.view();
  TemplateDigest sha1{};
  crypto::hash_into(crypto::HashAlgorithm::kSha1, {data}, sha1);
  const bool violation = entry.is_violation();
  for (std::size_t bank = 0; bank < kBanks.size(); ++bank) {
    if (state_.has_bank(kBanks.at(bank))) extend_bank(bank, data, sha1, violation);
  }
  ++state_.entries_;
  state_.log_.update(entry.bytes);
  return violation || sha1 == entry.template_digest ? DigestField::kOfItsData
                                                    : DigestField::kOfOtherData;
}

void Replay::extend_bank(std::size_t bank, ByteView data, const TemplateDigest& sha1,
                         bool violation) {
  const crypto::HashAlgorithm algorithm = kBanks.at(bank);
  const std::size_t size = kBankSize.at(bank);
  const std::span<std::uint8_t> own = std::span(state_.own_).subspan(kOwnAt.at(bank), size);
  std::array<std::uint8_t, 64> digest{};
  if (violation) digest.fill(0xff);
  const ByteView value = ByteView(digest).first(size);
  const Extends kind = state_.extends_.at(bank);
  if (kind != Extends::kPaddedSha1) {
    if (!violation && bank == 0) {
      std::copy(sha1.begin(), sha1.end(), digest.begin());
    } else if (!violation) {
      crypto::hash_into(algorithm, {data}, digest);
    }
    crypto::hash_into(algorithm, {own, value}, own);
  }
  if (bank != 0 && kind != Extends::kOwnHash) {
    if (!violation) {
      digest.fill(0);
      std::copy(sha1.begin(), sha1.end(), digest.begin());
    }
    const auto padded = std::span(state_.padded_).subspan(kPaddedAt.at(bank), size);
    crypto::hash_into(algorithm, {padded, value}, padded);
  }
}

bool Replay::own_meets(std::size_t bank) const {
  const ByteView own = ByteView(state_.own_).subspan(kOwnAt.at(bank), kBankSize.at(bank));
  return state_.extends_.at(bank) != Extends::kPaddedSha1 && equal(own, quoted_.at(bank));
}

bool Replay::padded_meets(std::size_t bank) const {
  if (bank == 0 || state_.extends_.at(bank) == Extends::kOwnHash) return false;
  const ByteView padded = ByteView(state_.padded_).subspan(kPaddedAt.at(bank), kBankSize.at(bank));
  return equal(padded, quoted_.at(bank));
}

bool Replay::met() const {
  if (state_.banks_ == 0) return false;
  for (std::size_t bank = 0; bank < kBanks.size(); ++bank) {
    if (!state_.has_bank(kBanks.at(bank))) continue;
    if (!own_meets(bank) && !padded_meets(bank)) return false;
  }
  return true;
}

ReplayState Replay::proven() const {
  ReplayState out = state_;
  for (std::size_t bank = 1; bank < kBanks.size(); ++bank) {
    if (!out.has_bank(kBanks.at(bank))) continue;
    const bool own = own_meets(bank);
    if (own == padded_meets(bank)) continue;
    out.extends_.at(bank) = own ? Extends::kOwnHash : Extends::kPaddedSha1;
    // What is not extended any more stays zero, so that a state has one form.
    const auto unused = own ? std::span(out.padded_).subspan(kPaddedAt.at(bank), kBankSize.at(bank))
                            : std::span(out.own_).subspan(kOwnAt.at(bank), kBankSize.at(bank));
    std::fill(unused.begin(), unused.end(), std::uint8_t{0});
  }
  return out;
}

}  // namespace avouch::runtimelog
