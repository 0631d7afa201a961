// What a TPM's NV and administrators' ConfigMaps hold. The first byte says what the rest is.
//   0  an endorsement certificate: nothing is endorsed but by the maker's own signature
//   1  NV indices of a chain, each after its length (u16): as above, and bounded
//   2  an inventory's entry   3  a trust bundle's entry: every complaint is bounded
//   4  TPM2B_PUBLIC of an endorsement key: no secret is made for what check_keys refuses

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "attest/ek_certificates.h"
#include "attest/enrolment.h"
#include "base/hex.h"
#include "crypto/x509.h"
#include "fuzz/fuzz_target.h"
#include "tpm/marshal.h"

namespace avouch::fuzzing::endorsement_target {
namespace {

namespace attest = avouch::attest;
namespace crypto = avouch::crypto;
namespace tpm = avouch::tpm;
using avouch::Bytes;
using avouch::ByteView;

constexpr avouch::SystemTime kNow{std::chrono::hours(500'000)};  // in 2027

// Keys of tests/vectors/corpus/cases/01-good-baseline, and the certificate of the first.
constexpr std::string_view kEkPublic =
    "013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"
    "00060080004300100800000000000100e1bd292ab9566a8e1bd7da45731eebebe4037dc6d7033f24abee5fba"
    "acffd92ecf895fde63bfcb419a718c85557dabe9ca8ca6011ac81ae8cf35dd94eb0364a8bc90bd78175c4a74"
    "23437516433ce2c6994abc3f43e0f34f051a0264b68eeb2c1612d050ce2d3fcee96bdc68ef02cc4ce46270b5"
    "33a2bf5eecf84d285eb9a99429a8285ce01c06034fbff94946675218f808ff03abdbbcc5e3737cc27946c1ee"
    "bafb33e7bc8061c89e1814446c1aac9b1a0cdd2f9dd710619a7e571aa126f30218dd0f5dcf3ee0f477274cd7"
    "c279f2b163dc8278cac1dc967c25d39bdebdfa618f7bfdf8bc1e38d92e61fb14d1c973c4f121c90c30107b65"
    "5a2d541594d88011";
constexpr std::string_view kAkPublic =
    "00580023000b00050072000000100018000b00030010002051ee3957470ebb4aa7ec9497db87c028a506c7f3"
    "ec66b9f0b21481efc00e85530020d50e69a132c402dde1f149a74939b6c16c0621238484cce3c45e2b95270f"
    "086c";
constexpr std::string_view kCertificate =
    "308203ee30820256a003020102020105300d06092a864886f70d01010b05003018311630140603550403130d"
    "737774706d2d6c6f63616c63613020170d3236313132313032313935355a180f393939393132333132333539"
    "35395a300c310a3008060355040313014130820122300d06092a864886f70d01010105000382010f00308201"
    "0a0282010100e1bd292ab9566a8e1bd7da45731eebebe4037dc6d7033f24abee5fbaacffd92ecf895fde63bf"
    "cb419a718c85557dabe9ca8ca6011ac81ae8cf35dd94eb0364a8bc90bd78175c4a7423437516433ce2c6994a"
    "bc3f43e0f34f051a0264b68eeb2c1612d050ce2d3fcee96bdc68ef02cc4ce46270b533a2bf5eecf84d285eb9"
    "a99429a8285ce01c06034fbff94946675218f808ff03abdbbcc5e3737cc27946c1eebafb33e7bc8061c89e18"
    "14446c1aac9b1a0cdd2f9dd710619a7e571aa126f30218dd0f5dcf3ee0f477274cd7c279f2b163dc8278cac1"
    "dc967c25d39bdebdfa618f7bfdf8bc1e38d92e61fb14d1c973c4f121c90c30107b655a2d541594d880110203"
    "010001a381cc3081c930100603551d25040930070605678105080130520603551d110101ff04483046a44430"
    "4231163014060567810502010c0b69643a30303030313031343110300e060567810502020c05737774706d31"
    "163014060567810502030c0b69643a3230313931303233300c0603551d130101ff0402300030220603551d09"
    "041b3019301706056781050210310e300c0c03322e30020100020200a4301f0603551d230418301680147e3a"
    "9bf8df77f14594f1ab729a37bef09d83aa2e300e0603551d0f0101ff040403020520300d06092a864886f70d"
    "01010b05000382018100816c1f9df0976c01dd21e0fd877e7713c95780a0b8f3be89b1aa5b805775440e5f06"
    "87b9cc42f2d870f2a1f24c098fbc68f4da4e94a0c656ed3f782d3365752ff2d75c5080c5fa9535e5db825220"
    "0aa5c3637f72d77782ec3d819e77840f303c6b16a9971e88c3b84add04b1baf540520a028dfc95e1409b1bde"
    "14a5034f483da585087d66212b745366ea1d2f6bb139d79c468582b9bf4735d45806fc97880bce759e75d237"
    "9a3a60510540a762fc62b87f7122609d238fef2da9a72059e4abacdc5ea0d2fc9bc3d0941fad313484ff1eb7"
    "2783eeb8ab9c802e13abfb0d64a1fe8cfebdde3402ab91e73339b0f0a6c799edd8f94e81e0d35ade0d8ca963"
    "7a0b64fe8f784168c193ffc9d25963871c9ee1a577b54189e397c124c6ebb60731517053bd19d97767955106"
    "d1749b58d50ab78e64b76fa5c315a7973cb753a2d2b3eda192f35e9e972c740baec0d25ea04ac142f0c7c192"
    "d471d2071e53cbdb63f6e12a1e560cc060d46cf40e7403431b17170f516d869568a0e7539cab514e2999";
constexpr std::string_view kMakersPem = R"(-----BEGIN CERTIFICATE-----
MIIEEDCCAnigAwIBAgIUEHKa9r+yUAuAe8KQU6KtcBj6JWAwDQYJKoZIhvcNAQEL
BQAwHzEdMBsGA1UEAxMUc3d0cG0tbG9jYWxjYS1yb290Y2EwIBcNMjYxMTIxMDIw
NjI5WhgPOTk5OTEyMzEyMzU5NTlaMB8xHTAbBgNVBAMTFHN3dHBtLWxvY2FsY2Et
cm9vdGNhMIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEA+lwqREtJsz1C
HXkSBRrDJX9NlzV2Okh399vze6eyeI8Hfc9K1hcAGZmLD/b8ibA8SJPMdHdo6gao
Tbk/rbYG6FHsGTms1/3zloLU1RhQmf1J7ZVCauTCeau4mVT51PIJ9epnstELiXcF
lq6xcjHE5XP8Bhen+onr0sGt8eMY/NHMULLha704xrvgou3+aKirLEDVGT4peSLU
dhLct352hUp/dM9zFIjNst6M78f83A8fLImGEzcbRYEG+hy5mdq5TmwbyR6sOFfm
oQEYSM5BXkj3Py4a8n3Dr5b95uKXr3JOGlhlVY00122Ms7+8B5kAPG4IfKN6ugbr
I6ynwOjSGCHM3nwzTff0WFtgntigmfjRN0Kwmk05hpJ53rG5ZV2ct9S+jvyb44PT
ciOjckukLa0cc8G5M1nMgFMot7HcdzOVeAcvx40sNtl6TZws6duZbpw+RK1eDIg9
Pjx9b9H10gd2cgMbFEcq5oW8KlRZMOI9Bt5NVazzQ3f4CANGHNQRAgMBAAGjQjBA
MA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMB0GA1UdDgQWBBRhErXF
wlDBLf0ecsKDVClheI8zITANBgkqhkiG9w0BAQsFAAOCAYEA3oindj7vdtjDqiAP
w0U7DBhK+VtlMx8EDLO4kqDNBMKnb/e5yW4zI8o3tf2xlGeLvE5UptzhNmmesh8s
J0ewIgfGrFs505IBNBUvn5Dx/UxpT80CEuZ0jLyEmLjlBUyy8f8KByqhugBMh4Ah
zgBD6uFQoKA8oNZdnPY4Kx9xvAmkkSoP3eI7YuqbmdC3oqmGi8lN2nDxUiFfXLD6
iCauBLZz0TvhiS1vuGlA0iaiQ4XbHuFeQAQSJfmJdvEXWO6tycvad+oL3Lj3/HLh
aTXfrYatJdbW6/mmLSXyhT5HQQA14hi5LZ0gOW5tQGhk8DgsUOVXZorMcWr9ln+B
vWsWz5tkcqjttKW6BNRwG95TJkkstAM9OnFPpiM/JYV3HFH36iuQsn9GRv65h2XV
C1e9I5VY+fejHuKzEkaxrYhL4OX63FS2SL4xA/riXhC6btRNBBqs7jPVRt2CUuSr
GYieYBHbrtEC8Gnl5MZ9ruyxvMa8jPjpKNwCOXSnhUOgHEde
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIEKjCCApKgAwIBAgIUYnZPHwUh+mnfZF80Chv4dfbgPJYwDQYJKoZIhvcNAQEL
BQAwHzEdMBsGA1UEAxMUc3d0cG0tbG9jYWxjYS1yb290Y2EwIBcNMjYxMTIxMDIw
NjI5WhgPOTk5OTEyMzEyMzU5NTlaMBgxFjAUBgNVBAMTDXN3dHBtLWxvY2FsY2Ew
ggGiMA0GCSqGSIb3DQEBAQUAA4IBjwAwggGKAoIBgQDDykFvA0K5j10ZtMwVgzp7
7g7rsWvLJFundOp8DBWifzkKo6D7v/TST5gP2GLeeE0QLuaXHDQqRBa94WH0XYU5
T7/VwdubijvJOfiBlsi+LbTo5GDLiN+xDeQCmm5T3NEPYoRI1fiN/UWRA8KC1c/+
Vn5CDpRHI3UAhd7jl6eFHFNi/ILHbGxtlsciEtOfxXILbzdXzSK+sm4ouiWzRd/U
JXwjknKVAogVUmE5Ak2ROILpBVn0uSGSkLCEKto2s3czc2wq23qNS/hhQZOFL27m
R9r/4Fp0t20pRviHaa6kbBw0C6EnyNvzfjRFaUQVcQskQfWnUqeBkb2y0cHOaN0L
pQHulB6VpE7h0imR8QUlDlJPI0xwG6YbZXCDTEABTsGKSzbUgRgVYcrOO5mPLQa6
rakX+f8AItgPnUWBj8dybGFhz13oOnSHDIc+doOhhL6ZwwXFOvXaof7ipPb0TaKd
HlZ0tRAW33p1g/lQ8FoBqAkbN4Bv3Rxo4Q1X68mP7oECAwEAAaNjMGEwDwYDVR0T
AQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFH46m/jfd/FFlPGr
cpo3vvCdg6ouMB8GA1UdIwQYMBaAFGEStcXCUMEt/R5ywoNUKWF4jzMhMA0GCSqG
SIb3DQEBCwUAA4IBgQAxiydPTf8nb8uMnd91GV7Wu7qD4tNyn0QEtqAMIpAfC0ma
7+fXTdTRr1MdYppRtKV+oKEGidMIDwg6lFLmay9V9cyHrrWi6iPXix9wo3xj1kha
qDEuMnGrjCg4AvvOXpLFAdYQM1KJNxD/I/ct0HXhLghrgIhn4s8i5lpLc2o99Brz
MFOlRdzdnELgwR8F/VqUPeCextObcEYa+VbLxqyeoGgTRYp1AVNPXOZtjsKm8PSA
343KXM+8wq/KTZ8ondrY3Irx4z0C/fNp7N50BcHQdp6fvLqyI/UNoaH5kLO34gsD
wfXLkbJ5/M41NMAopYVQSw86iP08F0YNtt2OBLnra3BzPxXqZSTtT77x2ZgMhuBq
A44aoCnnVP6WS8UOO8mBi5fL4Ekh/Vo+csPcObWOb+JfWOPFm1nnqlg6j+Q2Ad7u
suH4kh9wLwdrjJP3XTF88b8Xom5+Gi9xOwmNhqNxjQUj7WfsGqPOooo5LHL6mjiq
AuajASmNUtAZ/TLx5Vk=
-----END CERTIFICATE-----
)";

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes unhex(std::string_view text) { return avouch::from_hex(text).value(); }

struct Genuine {
  attest::UnverifiedIdentity identity{{unhex(kCertificate)}, unhex(kEkPublic), unhex(kAkPublic)};
  attest::NodeKeys keys = attest::check_keys(identity).value();
  crypto::Certificate certificate = crypto::Certificate::from_der(unhex(kCertificate)).value();
  attest::EndorsementRules rules = [this] {
    attest::EndorsementRules out;
    out.trust_anchors = attest::parse_trust_bundle({{"ca", std::string(kMakersPem)}}).value();
    out.enrollment = attest::Enrollment::kTrustOnFirstUse;
    out.keys = {{keys.ak.key.type(), *keys.ak.signing}};
    return out;
  }();
};

const Genuine& genuine() {
  static const Genuine made;
  return made;
}

// Whatever is accepted has a part that the maker has signed, and it is the one for this key.
void check(const attest::UnverifiedIdentity& identity) {
  for (const bool hardware : {false, true}) {
    attest::EndorsementRules rules = genuine().rules;
    rules.require_hardware = hardware;
    const auto result = attest::check_endorsement(genuine().keys, identity, "node", rules, kNow);
    if (!result.has_value()) {
      require(!result.reason().code.empty() && result.reason().message.size() < 16 * 1024);
      continue;
    }
    require(!hardware);  // the key is a software TPM's
    attest::RulesUsed used;
    const auto read = attest::read_ek_certificates(identity, used);
    require(read.has_value() && read.value().size() <= attest::kMaxEkCertificates);
    const crypto::Certificate& own = read.value().front();
    require(own.public_key().value() == genuine().keys.ek.key);
    // The signed part begins after the outer length, and is the genuine one's, byte for byte.
    const Bytes der = own.der();
    const Bytes expected = genuine().certificate.der();
    require(der.size() >= 8 && der.size() <= attest::kMaxEkCertificateBytes);
    require(result->make == attest::TpmMake({"id:00001014", "swtpm", "id:20191023"}));
    const auto signed_part = expected.begin() + 4;
    const auto length = 4 + (std::ptrdiff_t{signed_part[2]} << 8) + signed_part[3];
    require(std::search(der.begin(), der.end(), signed_part, signed_part + length) != der.end());
  }
}

void fuzz_chain(ByteView input) {
  attest::UnverifiedIdentity identity = genuine().identity;
  avouch::ByteReader reader(input);
  while (reader.remaining() >= 2 && identity.ek_certificates.size() < attest::kMaxEkCertificates) {
    const std::size_t size = std::min<std::size_t>(
        {reader.be16("size").value(), reader.remaining(), attest::kMaxEkCertificateBytes});
    const ByteView part = reader.take(size, "part").value();
    if (part.empty()) break;
    identity.ek_certificates.emplace_back(part.begin(), part.end());
  }
  check(identity);
}

void fuzz_inventory(ByteView input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto inventory = attest::parse_inventory({{"node-1", text}});
  if (!inventory.has_value()) {
    require(inventory.error().kind == avouch::ErrorKind::kRejected);
    require(inventory.error().message.size() < 16 * 1024);
    return;
  }
  const auto& digests = inventory->at("node-1");
  require(!digests.empty() && digests.size() <= 16);
  std::string again;
  for (const crypto::Sha256& digest : digests) again += attest::digest_text(digest) + "\n";
  require(attest::parse_inventory({{"node-1", again}}).value() == *inventory);
}

void fuzz_bundle(ByteView input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto bundle = attest::parse_trust_bundle({{"ca.pem", text}});
  if (!bundle.has_value()) {
    require(bundle.error().kind == avouch::ErrorKind::kRejected);
    require(bundle.error().message.size() < 16 * 1024);
    return;
  }
  for (const crypto::Certificate& each : *bundle) {
    require(each.is_ca());
    (void)each.subject_alternative_name();
    (void)each.is_der();
  }
  attest::EndorsementRules rules = genuine().rules;
  rules.trust_anchors = *bundle;
  (void)attest::check_endorsement(genuine().keys, genuine().identity, "node", rules, kNow);
}

void fuzz_public(ByteView input) {
  const attest::UnverifiedIdentity identity{
      {}, Bytes(input.begin(), input.end()), genuine().identity.ak_public};
  const auto keys = attest::check_keys(identity);
  if (!keys.has_value()) return require(!keys.reason().code.empty());
  require(!keys->ek.signing && keys->ek.symmetric_bits != 0);
  const auto made =
      tpm::make_credential(keys->ek, keys->ak.name, Bytes(32, 1), crypto::system_random());
  require(made.has_value() || !made.error().message.empty());
}

}  // namespace

AVOUCH_FUZZ_TARGET("endorsement_fuzz") {
  static const bool silent = (tpm::silence_tss2_log(), true);
  if (!silent || size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: {
      attest::UnverifiedIdentity identity = genuine().identity;
      identity.ek_certificates = {Bytes(input.begin(), input.end())};
      if (!input.empty()) check(identity);
      break;
    }
    case 1:
      fuzz_chain(input);
      break;
    case 2:
      fuzz_inventory(input);
      break;
    case 3:
      fuzz_bundle(input);
      break;
    default:
      fuzz_public(input);
  }
  return 0;
}

}  // namespace avouch::fuzzing::endorsement_target
