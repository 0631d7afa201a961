#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hex.h"
#include "tests/support/tpm_structures.h"
#include "tpm/credential.h"
#include "tpm/device.h"

namespace avouch::testing {

// A TPM in memory. State is public: a test sets what it needs.
class SoftwareTpm final : public tpm::Device {
 public:
  explicit SoftwareTpm(crypto::KeyType ek_type = crypto::KeyType::kEcP256)
      : ek_(crypto::PrivateKey::generate(ek_type)) {
    clock = {.clock = 60'000, .reset_count = 7, .restart_count = 0, .safe = true};
  }

  tpm::ClockInfo clock;
  std::uint64_t firmware_version = 0x2026010100000000;
  std::vector<crypto::HashAlgorithm> active_banks = {crypto::HashAlgorithm::kSha256};
  std::vector<Bytes> ek_certificates;                        // as NV would hold them
  std::function<Result<void>(std::string_view call)> fault;  // an error is given back instead

  const crypto::PrivateKey& ek() const { return ek_; }

  Bytes ek_public() const {
    PublicFields fields;
    const bool high_range = ek_.type() == crypto::KeyType::kEcP384;
    fields.attributes = high_range ? 0x000300f2 : 0x000300b2;
    fields.name_alg = high_range ? 0x000c : 0x000b;
    fields.auth_policy = policy_of_template(high_range);
    fields.aes_bits = high_range ? 256 : 128;
    return public_area(ek_, fields);
  }

  // A new AK of any kind, wrapped (its "wrapping" is the key in plain: this is a test).
  tpm::WrappedKey make_key(crypto::KeyType type, const tpm::SigningScheme& scheme,
                           std::uint32_t attributes = 0x00050072) const {
    const crypto::PrivateKey key = crypto::PrivateKey::generate(type);
    PublicFields fields;
    fields.attributes = attributes;
    fields.name_alg = scheme.hash == crypto::HashAlgorithm::kSha384 ? 0x000c : 0x000b;
    fields.signing = scheme;
    Bytes wrapped = to_bytes(id());
    append(wrapped, key.pem());
    return {public_area(key, fields), std::move(wrapped)};
  }

  void extend(unsigned index, crypto::HashAlgorithm bank, ByteView digest) {
    Bytes& value = pcr(bank, index);
    append(value, digest);
    value = crypto::hash(bank, value);
  }
  // In every active bank, the hash of `data`.
  void extend_event(unsigned index, ByteView data) {
    for (const auto bank : active_banks) extend(index, bank, crypto::hash(bank, data));
  }
  void set_pcr(unsigned index, crypto::HashAlgorithm bank, Bytes value) {
    pcr(bank, index) = std::move(value);
  }
  void power_cycle() {
    pcrs_.clear();
    ++clock.reset_count;
    clock.restart_count = 0;
  }

  Result<tpm::DeviceState> state() override {
    AVOUCH_CHECK(fail("state"));
    return tpm::DeviceState{clock, active_banks, "TEST", firmware_version};
  }
  Result<tpm::Endorsement> endorsement() override {
    AVOUCH_CHECK(fail("endorsement"));
    return tpm::Endorsement{ek_public(), ek_certificates, "L-2 (ECC P-256)"};
  }
  Result<tpm::WrappedKey> create_attestation_key() override {
    AVOUCH_CHECK(fail("create_attestation_key"));
    return make_key(crypto::KeyType::kEcP256,
                    {crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256});
  }
  Result<Bytes> activate(const tpm::WrappedKey& key, ByteView blob,
                         ByteView encrypted_secret) override {
    AVOUCH_CHECK(fail("activate"));
    AVOUCH_CHECK(load(key));
    AVOUCH_TRY(const tpm::Public ek_area, tpm::parse_public(ek_public()));
    AVOUCH_TRY(const tpm::Public ak_area, tpm::parse_public(key.public_area));
    AVOUCH_TRY(const Bytes sealed, tpm::parse_sized(encrypted_secret, 1024));
    AVOUCH_TRY(const Bytes seed, open_seed(ek_area, sealed));
    return tpm::open_credential(ek_area, ak_area.name, seed, blob);
  }
  Result<tpm::SignedQuote> quote(const tpm::WrappedKey& key, ByteView qualifying,
                                 const tpm::PcrSelection& selection) override {
    AVOUCH_CHECK(fail("quote"));
    clock.clock += 10;
    AttestFields fields = quote_fields(key, qualifying, selection);
    return sign(key, fields);
  }
  Result<tpm::PcrValues> read_pcrs(const tpm::PcrSelection& selection) override {
    AVOUCH_CHECK(fail("read_pcrs"));
    if (active(selection) != selection) return rejected("read PCRs: of a bank that is not active");
    tpm::PcrValues out;
    for (const tpm::BankSelection& entry : selection) {
      for (std::uint8_t index = 0; index < tpm::kPcrCount; ++index) {
        if (entry.has(index)) out[{entry.bank, index}] = pcr(entry.bank, index);
      }
    }
    return out;
  }

  // What quote() would sign, for a test to change first.
  AttestFields quote_fields(const tpm::WrappedKey& key, ByteView qualifying,
                            const tpm::PcrSelection& selection) {
    const tpm::Public ak = must_value(tpm::parse_public(key.public_area));
    const tpm::Public ek_area = must_value(tpm::parse_public(ek_public()));
    AttestFields out;
    out.qualified_signer =
        tpm::child_qualified_name(tpm::endorsement_primary_qualified_name(ek_area), ak);
    out.extra_data.assign(qualifying.begin(), qualifying.end());
    out.clock = clock;
    out.firmware_version = firmware_version;
    Bytes quoted;
    for (const tpm::BankSelection& entry : active(selection)) {
      out.selection.emplace_back(tpm::algorithm_id(entry.bank), entry.mask);
      for (unsigned index = 0; index < tpm::kPcrCount; ++index) {
        if (entry.has(index)) append(quoted, pcr(entry.bank, index));
      }
    }
    out.pcr_digest = crypto::hash(ak.signing.value().hash, quoted);
    return out;
  }
  Result<tpm::SignedQuote> sign(const tpm::WrappedKey& key, const AttestFields& fields) const {
    return sign_message(key, attest_bytes(fields));
  }
  // No TPM signs just anything with a restricted key: for structures that a test cut or forged.
  Result<tpm::SignedQuote> sign_message(const tpm::WrappedKey& key, Bytes message) const {
    AVOUCH_TRY(const crypto::PrivateKey loaded, load(key));
    AVOUCH_TRY(const tpm::Public ak, tpm::parse_public(key.public_area));
    Bytes signature = sign_attest(loaded, ak.signing.value(), message);
    return tpm::SignedQuote{std::move(message), std::move(signature)};
  }

 private:
  static Bytes policy_of_template(bool high_range) {
    return must_value(
        from_hex(high_range ? "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419ca"
                              "cb47ba09699646150f9fc000f3f80e12"
                            : "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"));
  }

  std::string id() const { return to_hex(crypto::sha256(ek_public())) + "\n"; }

  Result<void> fail(std::string_view call) const { return fault ? fault(call) : Result<void>{}; }

  Result<crypto::PrivateKey> load(const tpm::WrappedKey& key) const {
    const std::string_view text = as_text(key.private_area);
    if (!text.starts_with(id())) return rejected("TPM2_Load: this key is of another TPM");
    return crypto::PrivateKey::from_pem(text.substr(id().size()));
  }

  Bytes& pcr(crypto::HashAlgorithm bank, unsigned index) {
    Bytes& value = pcrs_[{bank, static_cast<std::uint8_t>(index)}];
    if (value.empty()) {
      const bool from_ones = index >= 17 && index <= 22;
      value.assign(crypto::digest_size(bank), from_ones ? 0xff : 0x00);
    }
    return value;
  }

  // As a TPM does: banks that are not active come back with nothing selected.
  tpm::PcrSelection active(tpm::PcrSelection selection) const {
    for (tpm::BankSelection& entry : selection) {
      if (std::find(active_banks.begin(), active_banks.end(), entry.bank) == active_banks.end()) {
        entry.mask = 0;
      }
    }
    return selection;
  }

  Result<Bytes> open_seed(const tpm::Public& ek_area, const Bytes& sealed) const {
    return is_rsa(ek_.type()) ? open_oaep(sealed) : open_ecdh(ek_area, sealed);
  }

  Result<Bytes> open_oaep(const Bytes& sealed) const {
    static constexpr std::array<std::uint8_t, 9> kLabel = {'I', 'D', 'E', 'N', 'T',
                                                           'I', 'T', 'Y', 0};
    const EvpKey evp = evp_of(ek_);
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(evp.get(), nullptr), &EVP_PKEY_CTX_free);
    auto* label = static_cast<unsigned char*>(OPENSSL_memdup(kLabel.data(), kLabel.size()));
    must(EVP_PKEY_decrypt_init(context.get()) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1 &&
             EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label,
                                              static_cast<int>(kLabel.size())) == 1,
         "OAEP set-up");
    std::size_t size = 512;
    Bytes out(size);
    if (EVP_PKEY_decrypt(context.get(), out.data(), &size, sealed.data(), sealed.size()) != 1) {
      return rejected("TPM2_ActivateCredential: OAEP");
    }
    out.resize(size);
    return out;
  }

  Result<Bytes> open_ecdh(const tpm::Public& ek_area, const Bytes& sealed) const {
    ByteReader reader(sealed);
    AVOUCH_TRY(const std::uint16_t x_size, reader.be16("x size"));
    AVOUCH_TRY(const ByteView x, reader.take(x_size, "x"));
    AVOUCH_TRY(const std::uint16_t y_size, reader.be16("y size"));
    AVOUCH_TRY(const ByteView y, reader.take(y_size, "y"));
    AVOUCH_CHECK(reader.expect_end("point"));
    AVOUCH_TRY(const crypto::PublicKey peer, crypto::PublicKey::ec_from_point(ek_.type(), x, y));
    const Bytes spki = peer.spki_der();
    const unsigned char* cursor = spki.data();
    const EvpKey peer_evp(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())),
                          &EVP_PKEY_free);
    const EvpKey evp = evp_of(ek_);
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(evp.get(), nullptr), &EVP_PKEY_CTX_free);
    Bytes shared(ek_.type() == crypto::KeyType::kEcP384 ? 48 : 32);
    std::size_t size = shared.size();
    must(EVP_PKEY_derive_init(context.get()) == 1 &&
             EVP_PKEY_derive_set_peer(context.get(), peer_evp.get()) == 1 &&
             EVP_PKEY_derive(context.get(), shared.data(), &size) == 1 && size == shared.size(),
         "ECDH");
    AVOUCH_TRY(const auto ek_point, ek_area.key.ec_point());
    return tpm::kdf_e(ek_area.name_hash, shared, "IDENTITY", x, ek_point.first,
                      static_cast<unsigned>(crypto::digest_size(ek_area.name_hash) * 8));
  }

  crypto::PrivateKey ek_;
  tpm::PcrValues pcrs_;
};

}  // namespace avouch::testing
