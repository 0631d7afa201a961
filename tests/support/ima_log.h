#pragma once

// Entries of a kernel's binary measurement log, byte by byte, and what a TPM would hold after them;
// without the product's code, so that what it reads has another author.

#include <openssl/evp.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "tests/support/tpm_structures.h"
#include "tpm/types.h"

namespace avouch::testing {

inline Bytes openssl_digest(crypto::HashAlgorithm algorithm, ByteView data) {
  const std::string name(crypto::hash_name(algorithm));
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  must(EVP_Q_digest(nullptr, name.c_str(), nullptr, data.data(), data.size(), out.data(), &size) ==
           1,
       "EVP_Q_digest");
  out.resize(size);
  return out;
}

inline void append_le32(Bytes& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    append_u8(out, static_cast<std::uint8_t>(value >> shift & 0xff));
  }
}
inline void append_field(Bytes& out, ByteView field) {
  append_le32(out, static_cast<std::uint32_t>(field.size()));
  append(out, field);
}

inline Bytes digest_field(std::string_view prefix, ByteView digest) {
  Bytes out = to_bytes(prefix);
  append_u8(out, 0);
  append(out, digest);
  return out;
}
inline Bytes path_field(std::string_view path) {
  Bytes out = to_bytes(path);
  append_u8(out, 0);
  return out;
}

struct ImaEntry {
  std::string name = "ima-ng";
  Bytes data;    // as in the log
  Bytes hashed;  // what the kernel hashes: `data`, but for the legacy template
  Bytes digest;  // SHA-1 of `hashed`, or zeros
  std::uint32_t pcr = 10;

  Bytes bytes() const {
    Bytes out;
    append_le32(out, pcr);
    append(out, digest);
    append_field(out, as_bytes(name));
    if (name != "ima") append_le32(out, static_cast<std::uint32_t>(data.size()));
    append(out, data);
    return out;
  }
};

inline ImaEntry ima_entry(std::string name, const std::vector<Bytes>& fields) {
  ImaEntry out;
  out.name = std::move(name);
  for (const Bytes& field : fields) append_field(out.data, field);
  out.hashed = out.data;
  out.digest = openssl_digest(crypto::HashAlgorithm::kSha1, out.hashed);
  return out;
}
inline ImaEntry ima_file(std::string_view path, std::string_view content) {
  const Bytes digest = openssl_digest(crypto::HashAlgorithm::kSha256, as_bytes(content));
  return ima_entry("ima-ng", {digest_field("sha256:", digest), path_field(path)});
}
inline ImaEntry ima_signed_file(std::string_view path, std::string_view content, Bytes signature) {
  const Bytes digest = openssl_digest(crypto::HashAlgorithm::kSha256, as_bytes(content));
  return ima_entry("ima-sig",
                   {digest_field("sha256:", digest), path_field(path), std::move(signature)});
}
inline ImaEntry ima_buffer(std::string_view name, std::string_view content) {
  const Bytes digest = openssl_digest(crypto::HashAlgorithm::kSha256, as_bytes(content));
  return ima_entry("ima-buf",
                   {digest_field("sha256:", digest), path_field(name), to_bytes(content)});
}
inline ImaEntry ima_violation(std::string_view path) {
  ImaEntry out = ima_entry("ima-ng", {digest_field("sha256:", Bytes(32, 0)), path_field(path)});
  out.digest.assign(20, 0);
  return out;
}
inline ImaEntry ima_legacy(ByteView digest20, std::string_view path) {
  ImaEntry out;
  out.name = "ima";
  out.data.assign(digest20.begin(), digest20.end());
  out.hashed = out.data;
  append_field(out.data, as_bytes(path));
  append(out.hashed, path);
  out.hashed.resize(20 + 256, 0);
  out.digest = openssl_digest(crypto::HashAlgorithm::kSha1, out.hashed);
  return out;
}

// A machine that measures: its PCRs, and the log so far.
struct ImaMachine {
  enum class Kernel { kHashesForEachBank, kPadsSha1 };

  explicit ImaMachine(
      std::vector<crypto::HashAlgorithm> its_banks = {crypto::HashAlgorithm::kSha256},
      Kernel its_kernel = Kernel::kHashesForEachBank)
      : banks(std::move(its_banks)), kernel(its_kernel) {
    for (const auto bank : banks) {
      for (std::uint8_t index = 0; index <= 10; ++index) {
        Bytes value(crypto::digest_size(bank),
                    index == 10 ? 0 : static_cast<std::uint8_t>(17 + index));
        pcrs[{bank, index}] = std::move(value);
      }
    }
  }

  // Of `bank`'s PCR 0 to `last`.
  Bytes aggregate(crypto::HashAlgorithm bank, std::uint8_t last) const {
    Bytes values;
    for (std::uint8_t index = 0; index <= last; ++index) append(values, pcrs.at({bank, index}));
    return openssl_digest(bank, values);
  }
  ImaEntry boot_aggregate() const {
    const auto bank = banks.front();
    const bool sha1 = bank == crypto::HashAlgorithm::kSha1;
    return ima_entry("ima-ng", {digest_field(std::string(crypto::hash_name(bank)) + ":",
                                             aggregate(bank, sha1 ? 7 : 9)),
                                path_field("boot_aggregate")});
  }

  ImaMachine& measure(const ImaEntry& entry) {
    append(log, entry.bytes());
    ++entries;
    const bool violation = entry.digest == Bytes(20, 0);
    for (const auto bank : banks) {
      const std::size_t size = crypto::digest_size(bank);
      const bool own = bank == crypto::HashAlgorithm::kSha1 || kernel == Kernel::kHashesForEachBank;
      Bytes value = own ? openssl_digest(bank, entry.hashed)
                        : openssl_digest(crypto::HashAlgorithm::kSha1, entry.hashed);
      value.resize(size, 0);
      if (violation) value.assign(size, 0xff);
      Bytes& pcr = pcrs.at({bank, 10});
      append(pcr, value);
      pcr = openssl_digest(bank, pcr);
    }
    return *this;
  }

  std::vector<crypto::HashAlgorithm> banks;
  Kernel kernel;
  tpm::PcrValues pcrs;
  Bytes log;
  std::size_t entries = 0;
};

}  // namespace avouch::testing
