#include "tlog/cosignature.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/log_vectors.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

constexpr const char* kOne = "witness.example/one";
constexpr const char* kTwo = "witness.example/two";

const LogVectors& cosigned_vectors() {
  static const LogVectors all("cosignature.txt");
  return all;
}

std::string of(const char* name, const char* what) { return std::string(name) + " " + what; }

Cosigner cosigner(const char* name) {
  const auto key =
      crypto::PrivateKey::from_pem(cosigned_vectors().decoded_text(of(name, "key-pem")));
  return Cosigner::make(name, key.value()).value();
}

CosignerKey key(const char* name) {
  return parse_cosigner_vkey(cosigned_vectors().text(of(name, "vkey"))).value();
}

UnverifiedNote note() {
  return parse_note_unverified(cosigned_vectors().decoded_text("cosigned-note")).value();
}

TEST(Cosignature, IsMadeByteForByteAsAnIndependentSignerDoes) {
  const std::string text = cosigned_vectors().decoded_text("text");
  EXPECT_EQ(cosigner(kOne).cosign(text, 1'800'000'000).value(),
            cosigned_vectors().decoded_text(of(kOne, "line")));
  EXPECT_EQ(cosigner(kTwo).cosign(text, 1).value(),
            cosigned_vectors().decoded_text(of(kTwo, "line")));
  EXPECT_EQ(format_cosigner_vkey(cosigner(kOne).key()), cosigned_vectors().text(of(kOne, "vkey")));
}

TEST(Cosignature, OfKnownKeysIsFoundWithItsTime) {
  const std::vector<CosignerKey> both{key(kTwo), key(kOne)};
  const auto found = verify_cosignatures(note(), both);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0], (Cosignature{kTwo, both[0].key_id, 1}));
  EXPECT_EQ((*found)[1], (Cosignature{kOne, both[1].key_id, 1'800'000'000}));
  EXPECT_TRUE(verify_cosignatures(note(), {})->empty());
}

TEST(Cosignature, OfAnotherKeyOrAnotherTypeOfKeyDoesNotCount) {
  // The same key under another name is another key, and so it is as a key that signs notes.
  const CosignerKey renamed = make_cosigner_key("witness.example/three", key(kOne).key).value();
  EXPECT_TRUE(verify_cosignatures(note(), std::vector{renamed})->empty());
  EXPECT_FALSE(parse_vkey(cosigned_vectors().text(of(kOne, "vkey"))).has_value());
  const NoteVerifier log_key = make_verifier(kOne, key(kOne).key).value();
  EXPECT_FALSE(parse_cosigner_vkey(format_vkey(log_key)).has_value());
  EXPECT_NE(log_key.key_id, key(kOne).key_id);
}

TEST(Cosignature, RefusesEveryFlippedBitOfALineOfAKnownKey) {
  const std::vector<CosignerKey> known{key(kOne)};
  UnverifiedNote changed = note();
  Bytes& blob = changed.signatures[1].signature;
  ASSERT_EQ(changed.signatures[1].name, kOne);
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    blob[bit / 8] = static_cast<std::uint8_t>(blob[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(verify_cosignatures(changed, known).has_value()) << bit;
    blob[bit / 8] = static_cast<std::uint8_t>(blob[bit / 8] ^ (1U << bit % 8));
  }
  blob.push_back(0);
  EXPECT_FALSE(verify_cosignatures(changed, known).has_value());
  blob.resize(71);
  EXPECT_FALSE(verify_cosignatures(changed, known).has_value());
  changed = note();
  changed.text += "another line\n";
  EXPECT_FALSE(verify_cosignatures(changed, known).has_value());
}

TEST(Cosignature, CountsTheNewestOfSeveralLinesOfOneKey) {
  const std::string text = cosigned_vectors().decoded_text("text");
  const Cosigner one = cosigner(kOne);
  std::string lines = cosigned_vectors().decoded_text("cosigned-note");
  lines += one.cosign(text, 1'800'000'007).value() + one.cosign(text, 5).value();
  const auto found =
      verify_cosignatures(parse_note_unverified(lines).value(), std::vector{one.key()});
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].seconds, 1'800'000'007U);
}

TEST(Cosignature, HasATimeThatIsAPositiveSignedNumber) {
  const Cosigner one = cosigner(kOne);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(one.cosign("text\n", 0).has_value());
  EXPECT_FALSE(one.cosign("text\n", kMost + 1).has_value());
  EXPECT_TRUE(one.cosign("text\n", kMost).has_value());
}

}  // namespace
}  // namespace avouch::tlog
