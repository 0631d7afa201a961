// Quote verification against the one thing in it that cannot be saved: the signature check, done by
// bare OpenSSL with everything that can be prepared beforehand prepared. Same key, same message,
// same run; BM_Ratio_* is measured call by call in turn, so that both see the same machine.

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>

#include "attest/quote.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;

// The signature as OpenSSL wants it: DER for ECDSA.
Bytes openssl_signature(const UnverifiedQuote& quote, KeyType type) {
  const tpm::Signature parsed = tpm::parse_signature(quote.signature).value();
  if (parsed.scheme.scheme != SignatureScheme::kEcdsa) return parsed.rsa;
  const Bytes raw = tpm::signature_value(parsed, type).value();
  const int half = static_cast<int>(raw.size() / 2);
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> sig(ECDSA_SIG_new(), &ECDSA_SIG_free);
  ECDSA_SIG_set0(sig.get(), BN_bin2bn(raw.data(), half, nullptr),
                 BN_bin2bn(raw.data() + half, half, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(sig.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

struct Subject {
  explicit Subject(KeyType type = KeyType::kEcP256, const tpm::SigningScheme& scheme = kEcdsaSha256)
      : node(type, scheme), presented(node.present()) {
    const Bytes spki = node.keys().ak.key.spki_der();
    const unsigned char* cursor = spki.data();
    key.reset(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())));
    signature = openssl_signature(presented.quote, type);
  }

  bool bare_openssl() const {
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
        EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const Bytes& message = presented.quote.message;
    return EVP_MD_CTX_reset(context.get()) == 1 &&
           EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                            message.size()) == 1;
  }
  bool ours() const { return node.verify(presented).has_value(); }

  struct Free {
    void operator()(EVP_PKEY* pkey) const { EVP_PKEY_free(pkey); }
  };
  TestNode node;
  Presented presented;
  std::unique_ptr<EVP_PKEY, Free> key;
  Bytes signature;
};

constexpr tpm::SigningScheme kRsassa{SignatureScheme::kRsassa, HashAlgorithm::kSha256};

const Subject& p256() {
  static const Subject subject;
  return subject;
}
const Subject& rsa2048() {
  static const Subject subject(KeyType::kRsa2048, kRsassa);
  return subject;
}

void verify_all(benchmark::State& state, const Subject& subject, bool (Subject::*check)() const) {
  for (auto _ : state) {
    if (!(subject.*check)()) return state.SkipWithError("not verified");
  }
  state.SetItemsProcessed(state.iterations());
}

void ratio(benchmark::State& state, const Subject& subject) {
  using Clock = std::chrono::steady_clock;
  Clock::duration bare{};
  Clock::duration whole{};
  for (auto _ : state) {
    const auto start = Clock::now();
    const bool first = subject.bare_openssl();
    const auto middle = Clock::now();
    const bool second = subject.ours();
    const auto end = Clock::now();
    if (!first || !second) return state.SkipWithError("not verified");
    bare += middle - start;
    whole += end - middle;
  }
  state.counters["share_of_bare_openssl"] =
      static_cast<double>(bare.count()) / static_cast<double>(whole.count());
}

void BM_BareOpenssl_P256(benchmark::State& state) {
  verify_all(state, p256(), &Subject::bare_openssl);
}
void BM_VerifyQuote_P256(benchmark::State& state) { verify_all(state, p256(), &Subject::ours); }
void BM_Ratio_P256(benchmark::State& state) { ratio(state, p256()); }
void BM_BareOpenssl_Rsa2048(benchmark::State& state) {
  verify_all(state, rsa2048(), &Subject::bare_openssl);
}
void BM_VerifyQuote_Rsa2048(benchmark::State& state) {
  verify_all(state, rsa2048(), &Subject::ours);
}
void BM_Ratio_Rsa2048(benchmark::State& state) { ratio(state, rsa2048()); }

BENCHMARK(BM_BareOpenssl_P256);
BENCHMARK(BM_VerifyQuote_P256);
BENCHMARK(BM_Ratio_P256);
BENCHMARK(BM_BareOpenssl_Rsa2048);
BENCHMARK(BM_VerifyQuote_Rsa2048);
BENCHMARK(BM_Ratio_Rsa2048);

}  // namespace
}  // namespace avouch::attest

BENCHMARK_MAIN();
