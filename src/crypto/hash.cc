#include "crypto/hash.h"

#include <openssl/crypto.h>

#include "crypto/hash_impl.h"
#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

struct Description {
  HashAlgorithm algorithm;
  std::string_view name;
  std::size_t size;
  const char* openssl_name;
};

constexpr std::array kDescriptions = {
    Description{HashAlgorithm::kSha1, "sha1", 20, "SHA1"},
    Description{HashAlgorithm::kSha256, "sha256", 32, "SHA2-256"},
    Description{HashAlgorithm::kSha384, "sha384", 48, "SHA2-384"},
    Description{HashAlgorithm::kSha512, "sha512", 64, "SHA2-512"},
};

const Description& describe(HashAlgorithm algorithm) {
  return kDescriptions.at(static_cast<std::size_t>(algorithm));
}

EVP_MD* fetch(HashAlgorithm algorithm) {
  EVP_MD* method = EVP_MD_fetch(nullptr, describe(algorithm).openssl_name, nullptr);
  ensure(method != nullptr, "EVP_MD_fetch");
  return method;
}

MdCtxPtr new_context() {
  MdCtxPtr context(EVP_MD_CTX_new());
  ensure(context != nullptr, "EVP_MD_CTX_new");
  return context;
}

EVP_MD_CTX* thread_context() {
  thread_local const MdCtxPtr context = new_context();
  return context.get();
}

void start(EVP_MD_CTX* context, HashAlgorithm algorithm) {
  ensure(EVP_DigestInit_ex2(context, digest_method(algorithm), nullptr) == 1, "EVP_DigestInit_ex2");
}

void add(EVP_MD_CTX* context, ByteView data) {
  ensure(EVP_DigestUpdate(context, data.data(), data.size()) == 1, "EVP_DigestUpdate");
}

void finish_into(EVP_MD_CTX* context, std::span<std::uint8_t> out) {
  unsigned size = 0;
  ensure(EVP_DigestFinal_ex(context, out.data(), &size) == 1 && size == out.size(),
         "EVP_DigestFinal_ex");
}

}  // namespace

const EVP_MD* digest_method(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, 4> methods = {
      fetch(HashAlgorithm::kSha1), fetch(HashAlgorithm::kSha256), fetch(HashAlgorithm::kSha384),
      fetch(HashAlgorithm::kSha512)};
  return methods.at(static_cast<std::size_t>(algorithm));
}

std::size_t digest_size(HashAlgorithm algorithm) { return describe(algorithm).size; }

std::string_view hash_name(HashAlgorithm algorithm) { return describe(algorithm).name; }

Result<HashAlgorithm> parse_hash_name(std::string_view name) {
  for (const Description& known : kDescriptions) {
    if (known.name == name) return known.algorithm;
  }
  return rejected("\"" + std::string(name.substr(0, 40)) +
                  "\" is not a hash algorithm: expected sha1, sha256, sha384 or sha512");
}

Sha256 sha256(ByteView data) {
  EVP_MD_CTX* context = thread_context();
  start(context, HashAlgorithm::kSha256);
  add(context, data);
  Sha256 digest{};
  finish_into(context, digest);
  return digest;
}

Sha256 sha256(std::string_view data) { return sha256(as_bytes(data)); }

Sha256 sha256_of_two(std::uint8_t prefix, ByteView left, ByteView right) {
  EVP_MD_CTX* context = thread_context();
  start(context, HashAlgorithm::kSha256);
  add(context, {&prefix, 1});
  add(context, left);
  add(context, right);
  Sha256 digest{};
  finish_into(context, digest);
  return digest;
}

Bytes hash(HashAlgorithm algorithm, ByteView data) {
  EVP_MD_CTX* context = thread_context();
  start(context, algorithm);
  add(context, data);
  Bytes digest(digest_size(algorithm));
  finish_into(context, digest);
  return digest;
}

void hash_into(HashAlgorithm algorithm, std::initializer_list<ByteView> parts,
               std::span<std::uint8_t> out) {
  EVP_MD_CTX* context = thread_context();
  start(context, algorithm);
  for (const ByteView part : parts) add(context, part);
  finish_into(context, out.first(digest_size(algorithm)));
}

struct Hasher::State {
  HashAlgorithm algorithm;
  MdCtxPtr context;
};

Hasher::Hasher(HashAlgorithm algorithm)
    : state_(std::make_unique<State>(State{algorithm, new_context()})) {
  start(state_->context.get(), algorithm);
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(ByteView data) { add(state_->context.get(), data); }

Bytes Hasher::digest_so_far() const {
  const MdCtxPtr copy = new_context();
  ensure(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1, "EVP_MD_CTX_copy_ex");
  Bytes digest(digest_size(state_->algorithm));
  finish_into(copy.get(), digest);
  return digest;
}

Bytes Hasher::finish() {
  Bytes digest(digest_size(state_->algorithm));
  finish_into(state_->context.get(), digest);
  start(state_->context.get(), state_->algorithm);
  return digest;
}

Sha256 hmac_sha256(ByteView key, ByteView data) {
  static constexpr std::uint8_t kNothing = 0;
  Sha256 out{};
  std::size_t size = 0;
  const unsigned char* made =
      EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA2-256", nullptr, key.empty() ? &kNothing : key.data(),
                key.size(), data.empty() ? &kNothing : data.data(), data.size(), out.data(),
                out.size(), &size);
  ensure(made != nullptr && size == out.size(), "EVP_Q_mac");
  return out;
}

bool constant_time_equal(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace avouch::crypto
