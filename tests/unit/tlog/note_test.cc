#include "tlog/note.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/log_vectors.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

const LogVectors& note_vectors() {
  static const LogVectors all("note.txt");
  return all;
}

NoteSigner signer() {
  const auto key = crypto::PrivateKey::from_pem(note_vectors().decoded_text("log-key-pem"));
  return NoteSigner::make("log.example.org/avouch", key.value()).value();
}

NoteVerifier verifier(const std::string& name) {
  return parse_vkey(note_vectors().text(name)).value();
}

std::string text_of(const std::string& note) { return note.substr(0, note.find("\n\n") + 1); }

TEST(VerifierKey, OfTheFormatsOwnExampleIsReadAndWritten) {
  const NoteVerifier example = verifier("example-vkey");
  EXPECT_EQ(example.name, "PeterNeumann");
  EXPECT_EQ(example.key_id, 0xc74f20a3U);
  EXPECT_EQ(format_vkey(example), note_vectors().text("example-vkey"));
  EXPECT_EQ(format_vkey(signer().verifier()), note_vectors().text("log-vkey"));
}

TEST(VerifierKey, RefusesWhatIsNotOne) {
  const std::string good = note_vectors().text("example-vkey");
  const auto typed = [&](std::uint8_t type) {
    Bytes key = codec::from_base64(good.substr(good.rfind("+A") + 1)).value();
    key.front() = type;
    return good.substr(0, 22) + codec::to_base64(key);
  };
  ASSERT_TRUE(parse_vkey(typed(1)).has_value());
  for (const std::string& bad :
       {std::string(), std::string("PeterNeumann"), good.substr(12), "x" + good,
        good.substr(0, good.size() - 1), good + "\n", good + "A", typed(2), typed(4), typed(6),
        std::string("PeterNeumann+c74f20a4") + good.substr(21),
        std::string("PeterNeumann+c74f20a") + good.substr(21),
        std::string("PeterNeumann+c74f20ax") + good.substr(21), "Peter Neumann" + good.substr(12),
        std::string("PeterNeumann+c74f20a3+")}) {
    EXPECT_FALSE(parse_vkey(bad).has_value()) << bad;
  }
}

TEST(Note, OfTheFormatsOwnExampleVerifies) {
  const std::string note = note_vectors().decoded_text("example-note");
  const std::vector<NoteVerifier> known{verifier("example-vkey")};
  const auto verified = verify_note(note, known);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->text(), text_of(note));
  EXPECT_EQ(verified->signers(), std::vector<std::string>{"PeterNeumann"});
}

TEST(Note, IsSignedByteForByteAsAnIndependentSignerDoes) {
  const std::string note = note_vectors().decoded_text("checkpoint-note");
  const std::vector<NoteSigner> signers{signer()};
  EXPECT_EQ(sign_note(text_of(note), signers).value(), note);
}

TEST(Note, IgnoresSixteenLinesOfUnknownKeys) {
  const std::string note = note_vectors().decoded_text("crowded-note");
  EXPECT_EQ(parse_note_unverified(note)->signatures.size(), 17U);
  const std::vector<NoteVerifier> known{verifier("log-vkey")};
  EXPECT_EQ(verify_note(note, known)->signers().size(), 1U);
}

TEST(Note, IsRefusedWithoutAKnownKey) {
  const std::string note = note_vectors().decoded_text("checkpoint-note");
  const std::vector<NoteVerifier> others{verifier("example-vkey")};
  EXPECT_FALSE(verify_note(note, others).has_value());
  EXPECT_FALSE(verify_note(note, {}).has_value());
  // The same key under another name is another key.
  const auto renamed = make_verifier("log.example.org/other", signer().verifier().key).value();
  EXPECT_FALSE(verify_note(note, std::vector{renamed}).has_value());
}

TEST(Note, IsRefusedWhereOneKnownKeyFailsAlthoughAnotherVerifies) {
  const NoteSigner log = signer();
  const NoteSigner other =
      NoteSigner::make("other.example", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  const std::vector<NoteSigner> both{log, other};
  const std::string note = sign_note("text\n", both).value();
  const std::vector<NoteVerifier> known{log.verifier(), other.verifier()};
  ASSERT_TRUE(verify_note(note, known).has_value());

  // The other key's signature over another text.
  const std::string foreign = sign_note("another text\n", std::vector{other}).value();
  const std::string mixed =
      sign_note("text\n", std::vector{log}).value() + foreign.substr(foreign.find("\n\n") + 2);
  EXPECT_TRUE(verify_note(mixed, std::vector{log.verifier()}).has_value());
  EXPECT_FALSE(verify_note(mixed, known).has_value());
}

TEST(Note, RefusesEveryFlippedBit) {
  const std::string good = note_vectors().decoded_text("checkpoint-note");
  const std::vector<NoteVerifier> known{verifier("log-vkey")};
  ASSERT_TRUE(verify_note(good, known).has_value());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string note = good;
    note[bit / 8] = static_cast<char>(note[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(verify_note(note, known).has_value()) << bit;
  }
}

TEST(Note, RefusesEveryTruncation) {
  const std::string good = note_vectors().decoded_text("crowded-note");
  const std::vector<NoteVerifier> known{verifier("log-vkey")};
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(verify_note(good.substr(0, length), known).has_value()) << length;
  }
}

TEST(Note, SeparatesTextAndSignaturesAtTheLastEmptyLine) {
  const std::vector<NoteSigner> signers{signer()};
  const std::vector<NoteVerifier> known{signer().verifier()};
  const std::string note = sign_note("one\n\ntwo\n\n\nthree\n", signers).value();
  EXPECT_EQ(verify_note(note, known)->text(), "one\n\ntwo\n\n\nthree\n");
  EXPECT_TRUE(verify_note(sign_note("\n", signers).value(), known).has_value());
}

TEST(Note, RefusesMalformedSignatureLines) {
  const std::string blob = codec::to_base64(Bytes(68, 1));
  const std::string dash = "\xE2\x80\x94";
  ASSERT_TRUE(parse_note_unverified("t\n\n" + dash + " a " + blob + "\n").has_value());
  for (const std::string& line :
       {std::string("\n"), "- a " + blob + "\n", dash + "a " + blob + "\n",
        dash + "  a " + blob + "\n", dash + " a  " + blob + "\n", dash + " a " + blob + " \n",
        dash + " a " + blob, dash + " " + blob + "\n", dash + " a\n", dash + " a \n",
        dash + " a+b " + blob + "\n",
        dash +
            " a\xC2\xA0"
            "b " +
            blob + "\n",
        dash + " a\xE3\x80\x80 " + blob + "\n", dash + " a " + codec::to_base64(Bytes(4, 1)) + "\n",
        dash + " a " + blob.substr(0, blob.size() - 1) + "\n", dash + " a " + blob + "\r\n",
        dash + " a " + blob + "\ntrailing\n"}) {
    EXPECT_FALSE(parse_note_unverified("t\n\n" + line).has_value()) << line;
  }
}

TEST(Note, RefusesControlCharactersAndInvalidUtf8) {
  const std::vector<NoteSigner> signers{signer()};
  for (const std::string& text :
       {std::string("a\tb\n"), std::string("a\rb\n"), std::string("a\0b\n", 4),
        std::string("a\xFF\n"), std::string("\xC0\xAF\n"), std::string("\xED\xA0\x80\n"),
        std::string("no newline"), std::string()}) {
    EXPECT_FALSE(sign_note(text, signers).has_value()) << text;
    EXPECT_FALSE(parse_note_unverified(text + "\n" + "\xE2\x80\x94 a AAAAAAAA\n").has_value());
  }
  EXPECT_TRUE(sign_note("\xE2\x82\xAC and \xF0\x9F\x94\x91\n", signers).has_value());
}

TEST(Note, IsBounded) {
  std::string note = "t\n\n";
  const std::string line = "\xE2\x80\x94 a AAAAAAAA\n";
  for (std::size_t i = 0; i < kMaxNoteSignatures; ++i) note += line;
  EXPECT_TRUE(parse_note_unverified(note).has_value());
  EXPECT_FALSE(parse_note_unverified(note + line).has_value());
  EXPECT_FALSE(parse_note_unverified(std::string(kMaxNoteBytes, 'a') + "\n\n" + line).has_value());
}

TEST(NoteSigner, NeedsAnEd25519KeyAndAProperName) {
  const auto p256 = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  EXPECT_FALSE(NoteSigner::make("log.example", p256).has_value());
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  EXPECT_TRUE(NoteSigner::make("log.example", key).has_value());
  for (const char* name : {"", "a b", "a+b", "a\nb", "a\xC2\x85", "a\xE2\x80\x83"}) {
    EXPECT_FALSE(NoteSigner::make(name, key).has_value()) << name;
  }
}

}  // namespace
}  // namespace avouch::tlog
