#include "attest/ek_certificates.h"

#include <algorithm>

namespace avouch::attest {
namespace {

using crypto::Certificate;

Reason invalid_certificates(std::size_t entry, const std::string& why) {
  return refuse(code::kEndorsementInvalid,
                "identity.ekCertificates[" + std::to_string(entry) + "]: " + why);
}

// Length of the DER value that `bytes` begins with, if its header is one of a SEQUENCE of at least
// 128 bytes, as that of every certificate is; else all of `bytes`.
std::size_t der_length(ByteView bytes) {
  if (bytes.size() < 4 || bytes[0] != 0x30) return bytes.size();
  if (bytes[1] == 0x81) return 3U + bytes[2];
  if (bytes[1] == 0x82) return 4U + (std::size_t{bytes[2]} << 8) + bytes[3];
  return bytes.size();
}

bool is_padding(ByteView bytes) {
  const std::uint8_t filler = bytes.front();
  return (filler == 0x00 || filler == 0xff) &&
         std::all_of(bytes.begin(), bytes.end(), [&](std::uint8_t each) { return each == filler; });
}

// Rule nv-padding: NV indices are often larger than the certificate in them.
ByteView without_padding(ByteView stored, RulesUsed& used) {
  const std::size_t length = der_length(stored);
  if (length >= stored.size() || !is_padding(stored.subspan(length))) return stored;
  note_rule(used, rule::kNvPadding);
  return stored.first(length);
}

class Reader {
 public:
  Reader(const UnverifiedIdentity& identity, RulesUsed& used) : identity_(identity), used_(used) {}

  Checked<std::vector<Certificate>> run() {
    if (identity_.ek_certificates.empty()) {
      return refuse(
          code::kEndorsementInvalid,
          "identity.ekCertificates: there is none, so no maker vouches for this TPM: load "
          "its certificate into NV, or use a TPM that has one");
    }
    if (auto reason = add(without_padding(identity_.ek_certificates[0], used_), 0)) {
      return *std::move(reason);
    }
    for (std::size_t i = 1; i < identity_.ek_certificates.size(); ++i) {
      if (auto reason = add_chain(i)) return *std::move(reason);
    }
    return std::move(out_);
  }

 private:
  std::optional<Reason> add(ByteView der, std::size_t entry) {
    if (out_.size() == kMaxEkCertificates) {
      return invalid_certificates(entry,
                                  "more than " + std::to_string(kMaxEkCertificates) +
                                      " certificates stand in NV, at most so many are accepted");
    }
    auto certificate = Certificate::from_der(der);
    if (!certificate.has_value()) return invalid_certificates(entry, certificate.error().message);
    if (!certificate->is_der()) note_rule(used_, rule::kNotDer);
    out_.push_back(std::move(certificate).value());
    return std::nullopt;
  }

  // Rule nv-chain: makers write the chain as one string over as many indices as it takes.
  std::optional<Reason> add_chain(std::size_t entry) {
    const Bytes& stored = identity_.ek_certificates[entry];
    const bool is_last = entry + 1 == identity_.ek_certificates.size();
    if (begun_.empty()) {
      begun_at_ = entry;
    } else {
      note_rule(used_, rule::kNvChain);
    }
    append(begun_, stored);
    for (ByteView rest = begun_; !rest.empty();) {
      if (is_padding(rest)) {
        note_rule(used_, rule::kNvPadding);
        break;
      }
      const std::size_t length = der_length(rest);
      if ((rest.size() < 4 || length > rest.size()) && !is_last) {
        begun_ = Bytes(rest.begin(), rest.end());
        return std::nullopt;
      }
      const ByteView der = rest.first(std::min(length, rest.size()));
      if (auto reason = add(der, begun_at_)) return reason;
      rest = rest.subspan(der.size());
      if (!rest.empty() && !is_padding(rest)) note_rule(used_, rule::kNvChain);
      begun_at_ = entry;
    }
    begun_.clear();
    return std::nullopt;
  }

  const UnverifiedIdentity& identity_;
  RulesUsed& used_;
  std::vector<Certificate> out_;
  Bytes begun_;  // of a certificate that goes on in the next entry
  std::size_t begun_at_ = 0;
};

}  // namespace

void note_rule(RulesUsed& used, std::string_view rule) {
  if (std::find(used.begin(), used.end(), rule) == used.end()) used.emplace_back(rule);
}

Checked<std::vector<Certificate>> read_ek_certificates(const UnverifiedIdentity& identity,
                                                       RulesUsed& used) {
  return Reader(identity, used).run();
}

}  // namespace avouch::attest
