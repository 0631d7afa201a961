// TPM structures and quotes. The first byte says what the rest is. What parses has one encoding and
// stays within its bounds; nothing but the TPM's own message is ever accepted as its quote.

#include <array>
#include <cstdint>
#include <cstdlib>

#include "attest/quote.h"
#include "base/hex.h"
#include "fuzz/fuzz_target.h"
#include "tpm/marshal.h"
#include "tpm/selection.h"

namespace avouch::fuzzing::quote_target {
namespace {

namespace attest = avouch::attest;
namespace crypto = avouch::crypto;
namespace tpm = avouch::tpm;
using avouch::Bytes;
using avouch::ByteView;

// Keys and quote of tests/vectors/corpus/cases/01-good-baseline.
constexpr std::string_view kAkPublic =
    "00580023000b00050072000000100018000b00030010002051ee3957470ebb4aa7ec9497db87c028a506c7f3"
    "ec66b9f0b21481efc00e85530020d50e69a132c402dde1f149a74939b6c16c0621238484cce3c45e2b95270f"
    "086c";
constexpr std::string_view kEkPublic =
    "013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"
    "00060080004300100800000000000100e1bd292ab9566a8e1bd7da45731eebebe4037dc6d7033f24abee5fba"
    "acffd92ecf895fde63bfcb419a718c85557dabe9ca8ca6011ac81ae8cf35dd94eb0364a8bc90bd78175c4a74"
    "23437516433ce2c6994abc3f43e0f34f051a0264b68eeb2c1612d050ce2d3fcee96bdc68ef02cc4ce46270b5"
    "33a2bf5eecf84d285eb9a99429a8285ce01c06034fbff94946675218f808ff03abdbbcc5e3737cc27946c1ee"
    "bafb33e7bc8061c89e1814446c1aac9b1a0cdd2f9dd710619a7e571aa126f30218dd0f5dcf3ee0f477274cd7"
    "c279f2b163dc8278cac1dc967c25d39bdebdfa618f7bfdf8bc1e38d92e61fb14d1c973c4f121c90c30107b65"
    "5a2d541594d88011";
constexpr std::string_view kMessage =
    "ff54434780180022000bf1e4ce220a4fea52ad124f8ef0712d334f97e23426b13fc174a9576e536f23b90020"
    "da309426be4877ff3d7434e7388351ffb128a4a8eadee350c6664e7826459a12000000000004432e00000016"
    "0000000001201910230016363600000001000b03ff470000205743df74015dc1bfbb2a6e4348c45ca39f09db"
    "418e3bdffdeec59b6056669003";
constexpr std::string_view kNonce =
    "da309426be4877ff3d7434e7388351ffb128a4a8eadee350c6664e7826459a12";
constexpr std::array<std::string_view, 12> kPcrs = {
    "90040fdebcaef6fed8beec816d2a56ff8d77f91516bd053e493374c25562f11c",
    "5279d78eaa2b9f2745b0929e0925372686584ea26708ef40e5d8f45ca061e839",
    "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
    "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
    "c2125c9768ec0280072b8fc88e2ab4c1ee344bb954a06145248ffc83bd4d15c8",
    "9b1f076e37b439e4ba15838c6b42f518e0a9197ef2d0cb0549b5122453d00786",
    "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969",
    "75677db6f14082d3bfec4d14bdd75c8d72612ef6914ca99cd5a5997b7a21309d",
    "4ba06fe3dfacd345115d54ba276f9869b7a7b6118f715955072b9d3e46900ec3",
    "349a61b60f33232c201ae91f6d7324b316c0d5f9861c9a87bafbd97c3d8f68a4",
    "cc5c722e20eeb8e7730c8442b800cf634d9f95521a0019df57f82f48ea54344e",
    "b9c97933fe323334271a718fdf2966e0609afcb793f3b68aaf18fc31ea39dc0a",
};

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes unhex(std::string_view text) { return avouch::from_hex(text).value(); }

template <typename T>
bool accepted(const avouch::Result<T>& result) {
  if (result.has_value()) return true;
  require(result.error().kind == avouch::ErrorKind::kRejected && !result.error().message.empty());
  return false;
}

struct Genuine {
  attest::NodeKeys keys = attest::check_keys({{}, unhex(kEkPublic), unhex(kAkPublic)}).value();
  Bytes message = unhex(kMessage);
  Bytes nonce = unhex(kNonce);
  tpm::PcrValues pcrs = [] {
    tpm::PcrValues out;
    for (std::size_t i = 0; i < kPcrs.size(); ++i) {
      const auto index = static_cast<std::uint8_t>(i == 11 ? 14 : i);
      out[{crypto::HashAlgorithm::kSha256, index}] = unhex(kPcrs[i]);
    }
    return out;
  }();
};

void fuzz_attest(ByteView input) {
  const auto attest = tpm::parse_attest(input);
  if (!accepted(attest)) return;
  require(attest->selection.size() <= tpm::kMaxBanks);
  for (const tpm::BankSelection& entry : attest->selection) {
    require((entry.mask >> tpm::kPcrCount) == 0);
  }
  (void)tpm::to_text(attest->selection);
}

void fuzz_signature(ByteView input) {
  const auto signature = tpm::parse_signature(input);
  if (!accepted(signature)) return;
  for (const auto type : {crypto::KeyType::kEcP256, crypto::KeyType::kEcP384}) {
    const auto value = tpm::signature_value(signature.value(), type);
    if (!accepted(value)) continue;
    const std::size_t size = type == crypto::KeyType::kEcP256 ? 64 : 96;
    require(signature->scheme.scheme != crypto::SignatureScheme::kEcdsa || value->size() == size);
  }
}

void fuzz_public(ByteView input) {
  const auto area = tpm::parse_public(input);
  if (!accepted(area)) return;
  require(tpm::to_sized(area->encoded) == Bytes(input.begin(), input.end()));
  require(area->name.size() == 2 + crypto::digest_size(area->name_hash));
  const attest::UnverifiedIdentity as_both{
      {}, Bytes(input.begin(), input.end()), Bytes(input.begin(), input.end())};
  require(!attest::check_keys(as_both).has_value());  // no key is both EK and AK
}

// u8 size of the signature, signature, message.
void fuzz_quote(ByteView input) {
  static const Genuine genuine;
  if (input.empty() || input.size() < 1U + input[0]) return;
  const ByteView signature = input.subspan(1, input[0]);
  const ByteView message = input.subspan(1U + input[0]);
  const attest::UnverifiedQuote quote{
      Bytes(message.begin(), message.end()), Bytes(signature.begin(), signature.end()), {}};
  const attest::BeaconWindow none;
  const avouch::SystemTime now{};
  const attest::QuoteContext context{genuine.keys, "node", none, {}, {}, {}, {}, now};
  const auto verified =
      attest::verify_stored_quote(quote, genuine.pcrs, genuine.nonce, now, context);
  require(verified.has_value() ? quote.message == genuine.message
                               : !verified.reason().code.empty());
}

}  // namespace

AVOUCH_FUZZ_TARGET("quote_fuzz") {
  static const bool silent = (tpm::silence_tss2_log(), true);
  if (!silent || size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      fuzz_attest(input);
      break;
    case 1:
      fuzz_signature(input);
      break;
    case 2:
      fuzz_public(input);
      break;
    default:
      fuzz_quote(input);
  }
  return 0;
}

}  // namespace avouch::fuzzing::quote_target
