#include "reference/digest_list.h"

#include <algorithm>
#include <array>

#include "codec/utf8.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;

constexpr std::size_t kSectionHead = 6;
constexpr std::array kAccepted = {HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                                  HashAlgorithm::kSha512};
constexpr std::string_view kExpectedLine =
    "expected 64, 96 or 128 hexadecimal digits (SHA-256, SHA-384, SHA-512), then nothing, or two "
    "blanks and a path, as sha256sum prints them";

std::array<std::int8_t, 256> make_digit_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}

int digit_value(char digit) {
  static const std::array<std::int8_t, 256> values = make_digit_values();
  return values[static_cast<std::uint8_t>(digit)];
}

std::size_t count_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && digit_value(text[count]) >= 0) ++count;
  return count;
}

std::optional<HashAlgorithm> algorithm_of_digits(std::size_t digits) {
  for (const HashAlgorithm algorithm : kAccepted) {
    if (digits == 2 * crypto::digest_size(algorithm)) return algorithm;
  }
  return std::nullopt;
}

}  // namespace

std::uint16_t list_algorithm_id(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return 0x0004;
    case HashAlgorithm::kSha256:
      return 0x000b;
    case HashAlgorithm::kSha384:
      return 0x000c;
    case HashAlgorithm::kSha512:
      break;
  }
  return 0x000d;
}

DigestListReader::DigestListReader(const DigestListLimits& limits)
    : limits_(limits), builder_(limits.digests) {}

Error DigestListReader::at_line(const std::string& message) const {
  return rejected("line " + std::to_string(line_) + ": " + message);
}

Error DigestListReader::at_offset(const std::string& message) const {
  return rejected("offset " + std::to_string(taken_) + ": " + message);
}

Result<void> DigestListReader::feed(ByteView piece) {
  if (error_) return *error_;
  auto done = consume(piece);
  if (!done.has_value()) error_ = done.error();
  return done;
}

Result<void> DigestListReader::consume(ByteView piece) {
  if (piece.size() > limits_.bytes - bytes_) {
    return rejected("the list has more than " + std::to_string(limits_.bytes) +
                    " bytes: split it over several manifests");
  }
  bytes_ += piece.size();
  hasher_.update(piece);
  if (form_ == Form::kUnknown) {
    // The magic may come in pieces.
    const std::size_t more = std::min(piece.size(), kDigestListMagic.size() - pending_.size());
    append(pending_, piece.first(more));
    piece = piece.subspan(more);
    if (!kDigestListMagic.starts_with(as_text(pending_))) {
      form_ = Form::kText;
      const Bytes begun = std::move(pending_);
      pending_.clear();
      AVOUCH_CHECK(take_lines(begun));
    } else if (pending_.size() == kDigestListMagic.size()) {
      form_ = Form::kBinary;
      taken_ = pending_.size();
      pending_.clear();
    }
  }
  if (form_ == Form::kText) return take_lines(piece);
  if (form_ == Form::kBinary) return take_binary(piece);
  return {};
}

Result<void> DigestListReader::take_lines(ByteView piece) {
  while (!piece.empty()) {
    const auto end = std::find(piece.begin(), piece.end(), std::uint8_t{'\n'});
    const auto length = static_cast<std::size_t>(end - piece.begin());
    if (pending_.size() + length > limits_.line_bytes) {
      ++line_;
      return at_line("is longer than " + std::to_string(limits_.line_bytes) + " bytes");
    }
    if (end == piece.end()) {
      append(pending_, piece);
      return {};
    }
    ++line_;
    if (pending_.empty()) {
      AVOUCH_CHECK(take_line(as_text(piece.first(length))));
    } else {
      append(pending_, piece.first(length));
      AVOUCH_CHECK(take_line(as_text(pending_)));
      pending_.clear();
    }
    piece = piece.subspan(length + 1);
  }
  return {};
}

Result<void> DigestListReader::take_line(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) {
    return at_line("has a NUL, after which nothing would be read: make the list without -z");
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return {};
  const std::string_view whole = line;
  if (line.front() == '\\') line.remove_prefix(1);
  std::string_view named;
  if (const std::size_t colon = line.substr(0, 8).find(':'); colon != std::string_view::npos) {
    named = line.substr(0, colon);
    line.remove_prefix(colon + 1);
  }
  const std::size_t digits = count_digits(line);
  const auto algorithm = algorithm_of_digits(digits);
  if (digits == 40 && (named.empty() || named == "sha1")) {
    return at_line("is a SHA-1 digest, which is not accepted: make the list with sha256sum");
  }
  if (!algorithm || (!named.empty() && named != crypto::hash_name(*algorithm))) {
    return at_line("found " + codec::in_quotes(whole, 24) + ", " + std::string(kExpectedLine));
  }
  const std::string_view rest = line.substr(digits);
  const bool ends_well =
      rest.empty() || (rest.size() > 2 && rest[0] == ' ' && (rest[1] == ' ' || rest[1] == '*'));
  if (!ends_well) {
    return at_line("found " + codec::in_quotes(rest, 24) + " after the digest, " +
                   std::string(kExpectedLine));
  }
  std::array<std::uint8_t, 64> bytes{};
  for (std::size_t i = 0; i < digits / 2; ++i) {
    bytes[i] =
        static_cast<std::uint8_t>(digit_value(line[2 * i]) << 4 | digit_value(line[2 * i + 1]));
  }
  ++count_;
  auto added = builder_.add(*algorithm, ByteView(bytes).first(digits / 2));
  if (!added.has_value()) return at_line(added.error().message);
  return {};
}

Result<void> DigestListReader::take_binary(ByteView piece) {
  while (!piece.empty()) {
    const std::size_t wanted =
        left_in_section_ == 0 ? kSectionHead : crypto::digest_size(*section_);
    if (pending_.empty() && piece.size() >= wanted) {
      AVOUCH_CHECK(left_in_section_ == 0 ? take_section_head(piece.first(wanted))
                                         : take_digest(piece.first(wanted)));
      piece = piece.subspan(wanted);
      continue;
    }
    const std::size_t more = std::min(piece.size(), wanted - pending_.size());
    append(pending_, piece.first(more));
    piece = piece.subspan(more);
    if (pending_.size() < wanted) return {};
    const Bytes record = std::move(pending_);
    pending_.clear();
    AVOUCH_CHECK(left_in_section_ == 0 ? take_section_head(record) : take_digest(record));
  }
  return {};
}

Result<void> DigestListReader::take_section_head(ByteView head) {
  ByteReader reader(head);
  AVOUCH_TRY(const std::uint16_t id, reader.be16("algorithm"));
  AVOUCH_TRY(const std::uint32_t count, reader.be32("count"));
  const auto algorithm = std::find_if(kAccepted.begin(), kAccepted.end(), [&](HashAlgorithm each) {
    return list_algorithm_id(each) == id;
  });
  if (algorithm == kAccepted.end()) {
    return at_offset("algorithm " + std::to_string(id) +
                     " is not accepted, expected 11 (SHA-256), 12 (SHA-384) or 13 (SHA-512)");
  }
  if (section_ && list_algorithm_id(*section_) >= id) {
    return at_offset("algorithms are expected once each, in ascending order");
  }
  if (count == 0 || count > limits_.digests) {
    return at_offset(std::to_string(count) + " digests, expected 1 to " +
                     std::to_string(limits_.digests));
  }
  section_ = *algorithm;
  left_in_section_ = count;
  previous_.clear();
  taken_ += head.size();
  return {};
}

Result<void> DigestListReader::take_digest(ByteView digest) {
  const bool ascends =
      previous_.empty() || std::lexicographical_compare(previous_.begin(), previous_.end(),
                                                        digest.begin(), digest.end());
  if (!ascends) return at_offset("digests are expected in ascending order, each once");
  previous_.assign(digest.begin(), digest.end());
  ++count_;
  auto added = builder_.add(*section_, digest);
  if (!added.has_value()) return at_offset(added.error().message);
  --left_in_section_;
  taken_ += digest.size();
  return {};
}

Result<DigestList> DigestListReader::finish() && {
  if (error_) return *error_;
  if (form_ == Form::kUnknown) form_ = Form::kText;  // shorter than the magic
  if (form_ == Form::kText && !pending_.empty()) {
    ++line_;
    // A last line without a newline, and texts shorter than the magic.
    const std::string rest(as_text(pending_));
    std::size_t start = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', start)) {
      AVOUCH_CHECK(take_line(std::string_view(rest).substr(start, end - start)));
      start = end + 1;
      ++line_;
    }
    AVOUCH_CHECK(take_line(std::string_view(rest).substr(start)));
  }
  if (form_ == Form::kBinary && (!pending_.empty() || left_in_section_ != 0)) {
    return at_offset("the list ends within " +
                     std::string(left_in_section_ == 0 ? "the head of a section" : "its digests"));
  }
  if (count_ == 0) return rejected("the list is empty: expected at least one digest");
  DigestList out;
  out.set = std::move(builder_).finish();
  const Bytes content = hasher_.finish();
  std::copy(content.begin(), content.end(), out.content.begin());
  return out;
}

Result<DigestList> read_digest_list(ByteView list, const DigestListLimits& limits) {
  DigestListReader reader(limits);
  AVOUCH_CHECK(reader.feed(list));
  return std::move(reader).finish();
}

Result<DigestList> read_digest_lists(const std::map<std::string, std::string>& data,
                                     const DigestListLimits& limits) {
  DigestListReader reader(limits);
  for (const auto& [key, value] : data) {
    auto fed = reader.feed(as_bytes(value));
    if (fed.has_value()) fed = reader.feed(as_bytes("\n"));
    if (fed.has_value()) continue;
    // Alone, the value gives its own line's number.
    const auto alone = read_digest_list(as_bytes(value), limits);
    return rejected("data." + key + ": " +
                    (alone.has_value() ? fed.error().message : alone.error().message));
  }
  return std::move(reader).finish();
}

}  // namespace avouch::reference
