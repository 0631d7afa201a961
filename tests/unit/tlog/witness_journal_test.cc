#include "tlog/witness_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "tlog/checkpoint.h"

namespace avouch::tlog {
namespace {

using ::testing::HasSubstr;

std::string note_of(const std::string& origin, std::uint64_t size) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const std::string text =
      format_checkpoint({origin, size, leaf_hash(as_bytes(origin)), {}}).value();
  const std::vector signers{NoteSigner::make(origin, key).value()};
  return sign_note(text, signers).value();
}

const Bytes kHeader = format_witness_header(WitnessSeed{1, 2, 3});

void push(Bytes& file, std::vector<WitnessChange> changes) {
  append(file, format_witness_batch(kHeader, file.size(), changes).value());
}

// Two batches: of two logs, and of the first one again.
struct Example {
  Bytes file = kHeader;
  std::size_t second = 0;
  std::string a1 = note_of("log.example/a", 1), b1 = note_of("log.example/b", 1),
              a2 = note_of("log.example/a", 2);
  Example() {
    push(file, {{"log.example/a", a1}, {"log.example/b", b1}});
    second = file.size();
    push(file, {{"log.example/a", a2}});
  }
};

TEST(WitnessJournal, HoldsTheLastNoteOfEachLog) {
  const Example example;
  const auto read = parse_witness_journal(example.file);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->latest.size(), 2U);
  EXPECT_EQ(read->latest.find("log.example/a")->second, example.a2);
  EXPECT_EQ(read->latest.find("log.example/b")->second, example.b1);
  EXPECT_EQ(read->end, example.file.size());
  EXPECT_EQ(read->torn, 0U);
}

TEST(WitnessJournal, OfNothingIsItsHeader) {
  const auto read = parse_witness_journal(kHeader);
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->latest.empty());
  EXPECT_EQ(to_hex(kHeader),
            to_hex(to_bytes("avouch-witness/v1\n")) + "01020300000000000000000000000000");
}

// Made by hand after FORMAT.md.
TEST(WitnessJournal, HasTheseBytes) {
  const std::string note = note_of("o", 1);
  Bytes body;
  append_be16(body, 1);
  append(body, "o");
  append_be32(body, static_cast<std::uint32_t>(note.size()));
  append(body, note);
  Bytes place = kHeader;
  append_be64(place, kHeader.size());
  append_be32(place, static_cast<std::uint32_t>(body.size()));
  Bytes expected;
  append_be32(expected, static_cast<std::uint32_t>(body.size()));
  append(expected, ByteView(crypto::sha256(place)).first(8));
  Bytes all = place;
  append(all, body);
  append(expected, crypto::sha256(all));
  append(expected, body);
  const std::vector<WitnessChange> changes{{"o", note}};
  EXPECT_EQ(format_witness_batch(kHeader, kHeader.size(), changes).value(), expected);
}

// Earlier versions kept each line that was sent: 100 of the log's, and the witness' own.
TEST(WitnessJournal, ReadsANoteWithMoreLinesThanANoteMayHave) {
  const std::string note = note_of("log.example/a", 1);
  const std::string line = note.substr(note.rfind("\n\n") + 2);
  const std::string own = format_signature_line("witness.example", 7, Bytes(72));
  std::string crowded = note;
  for (std::size_t i = 1; i < kMaxNoteSignatures; ++i) crowded += line;
  ASSERT_FALSE(parse_note_unverified(crowded + own).has_value());
  Bytes file = kHeader;
  push(file, {{"log.example/a", crowded + own}});
  const auto read = parse_witness_journal(file);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->latest.find("log.example/a")->second, note + own);
}

TEST(WitnessJournal, CutsAnInterruptedWriteAtEveryLength) {
  const Example example;
  for (std::size_t size = example.second; size < example.file.size(); ++size) {
    const auto read = parse_witness_journal(ByteView(example.file).first(size));
    ASSERT_TRUE(read.has_value()) << size << ": " << read.error().message;
    EXPECT_EQ(read->end, example.second);
    EXPECT_EQ(read->torn, size - example.second);
    EXPECT_EQ(read->latest.find("log.example/a")->second, example.a1);
  }
}

TEST(WitnessJournal, CutsSpaceThatWasNeverWritten) {
  Example example;
  const std::size_t end = example.file.size();
  example.file.resize(end + 5000);
  const auto read = parse_witness_journal(example.file);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->end, end);
  EXPECT_EQ(read->torn, 5000U);
}

// In the last batch too: it was answered, so forgetting it would be going back.
TEST(WitnessJournal, TakesNoFlippedBitForAnInterruptedWrite) {
  const Example example;
  for (std::size_t at = 0; at < example.file.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      Bytes changed = example.file;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
      const auto read = parse_witness_journal(changed);
      ASSERT_FALSE(read.has_value()) << at;
      EXPECT_EQ(read.error().kind, ErrorKind::kFatal);
      EXPECT_THAT(read.error().message, HasSubstr("offset "));
    }
  }
}

TEST(WitnessJournal, TakesNoBatchOfAnotherPlaceOrFile) {
  const Example example;
  Bytes twice = example.file;
  append(twice, ByteView(example.file).subspan(example.second));
  EXPECT_FALSE(parse_witness_journal(twice).has_value());
  Bytes other = format_witness_header(WitnessSeed{9});
  append(other, ByteView(example.file).subspan(kHeader.size()));
  EXPECT_FALSE(parse_witness_journal(other).has_value());
}

TEST(WitnessJournal, RefusesWhatNoWitnessRemembers) {
  const std::string good = note_of("log.example/a", 1);
  for (const WitnessChange& bad :
       {WitnessChange{"log.example/b", good}, WitnessChange{"log.example/a", "no note"},
        WitnessChange{"log.example/a", good.substr(0, good.size() - 1)}}) {
    Bytes file = kHeader;
    push(file, {bad});
    EXPECT_FALSE(parse_witness_journal(file).has_value()) << bad.origin << bad.note;
  }
}

TEST(WitnessJournal, RefusesMoreLogsThanItsLimit) {
  std::vector<WitnessChange> changes;
  for (std::size_t i = 0; i < kMaxWitnessedOrigins; ++i) {
    const std::string origin = "log.example/" + std::to_string(i);
    changes.push_back({origin, note_of(origin, 1)});
  }
  Bytes file = kHeader;
  push(file, changes);
  EXPECT_EQ(parse_witness_journal(file)->latest.size(), kMaxWitnessedOrigins);
  push(file, {{"one.more", note_of("one.more", 1)}});
  EXPECT_THAT(parse_witness_journal(file).error().message, HasSubstr("2048 logs"));
}

TEST(WitnessJournal, WritesNothingThatItWouldNotRead) {
  const std::string note = note_of("o", 1);
  const auto status = [](std::vector<WitnessChange> changes) {
    return format_witness_batch(kHeader, kHeader.size(), changes).has_value();
  };
  EXPECT_TRUE(status({{"o", note}}));
  EXPECT_FALSE(status({}));
  EXPECT_FALSE(status({{"", note}}));
  EXPECT_FALSE(status({{"o", ""}}));
  EXPECT_FALSE(status({{std::string(65'536, 'o'), note}}));
  EXPECT_TRUE(status({{"o", std::string(kMaxWitnessNoteBytes, 'n')}}));
  EXPECT_FALSE(status({{"o", std::string(kMaxWitnessNoteBytes + 1, 'n')}}));
}

}  // namespace
}  // namespace avouch::tlog
