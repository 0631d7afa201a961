#include "appraisal/pcr_list.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/hex.h"

namespace avouch::appraisal {
namespace {

using codec::Json;

std::optional<std::uint8_t> index_of(std::string_view digits) {
  unsigned number = tpm::kPcrCount;
  const char* end = digits.data() + digits.size();
  const auto [stopped, failed] = std::from_chars(digits.data(), end, number);
  if (failed != std::errc() || stopped != end || number >= tpm::kPcrCount) return std::nullopt;
  return static_cast<std::uint8_t>(number);
}

Result<void> add_pcr(crypto::HashAlgorithm bank, std::string_view index, std::string_view hex,
                     const std::string& where, tpm::PcrValues& out) {
  const auto number = index_of(index);
  if (!number) return rejected(where + ": expected a PCR from 0 to 23");
  auto bytes = from_hex(hex);
  if (!bytes.has_value()) return rejected(where + ": " + bytes.error().message);
  if (bytes->size() != crypto::digest_size(bank)) {
    return rejected(where + ": " + std::to_string(bytes->size()) + " bytes, expected " +
                    std::to_string(crypto::digest_size(bank)));
  }
  if (!out.emplace(tpm::PcrId{bank, *number}, *std::move(bytes)).second) {
    return rejected(where + ": is given twice");
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Words of a line, apart at white space and colons.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view kApart = " \t\r:";
  while (out.size() < 4) {
    const std::size_t begin = line.find_first_not_of(kApart);
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kApart), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return out;
}

std::string member(const std::string& where, const std::string& name) { return where + "." + name; }

class Lines {
 public:
  Result<void> take(std::string_view line) {
    const std::string where = "line " + std::to_string(++number_);
    const auto words = words_of(line);
    if (words.empty() || words.front().front() == '#') return {};
    if (words.size() == 1) {
      const auto bank = crypto::parse_hash_name(words[0]);
      known_ = bank.has_value();
      if (known_) bank_ = *bank;
      in_bank_ = true;
      return {};
    }
    if (words.size() == 2 && in_bank_) {
      std::string_view hex = words[1];
      if (hex.starts_with("0x") || hex.starts_with("0X")) hex.remove_prefix(2);
      return known_ ? add_pcr(bank_, words[0], lower(hex), where, out) : Result<void>();
    }
    if (words.size() == 3) {
      const auto bank = crypto::parse_hash_name(words[0]);
      if (!bank.has_value()) return rejected(where + ": " + bank.error().message);
      return add_pcr(*bank, words[1], lower(words[2]), where, out);
    }
    return rejected(where +
                    ": expected what tpm2_pcrread prints, \"BANK INDEX HEX\", or JSON as "
                    "{\"sha256\": {\"0\": \"HEX\"}}");
  }

  tpm::PcrValues out;

 private:
  std::size_t number_ = 0;
  bool in_bank_ = false, known_ = false;
  crypto::HashAlgorithm bank_ = crypto::HashAlgorithm::kSha256;
};

}  // namespace

Result<tpm::PcrValues> parse_pcr_object(const Json& banks, const std::string& where) {
  if (banks.as_object() == nullptr) return rejected(where + ": expected an object of banks");
  tpm::PcrValues out;
  for (const auto& [bank, values] : *banks.as_object()) {
    const auto hash = crypto::parse_hash_name(bank);
    if (!hash.has_value()) return rejected(where + ": " + hash.error().message);
    const std::string of_bank = member(where, bank);
    if (values.as_object() == nullptr) return rejected(of_bank + ": expected an object");
    for (const auto& [index, digest] : *values.as_object()) {
      const std::string at = member(of_bank, index);
      if (digest.as_string() == nullptr) return rejected(at + ": expected hexadecimal digits");
      AVOUCH_CHECK(add_pcr(*hash, index, *digest.as_string(), at, out));
    }
  }
  return out;
}

Result<tpm::PcrValues> parse_pcr_list(std::string_view text) {
  tpm::PcrValues out;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    AVOUCH_TRY(const Json json, codec::parse_json(text));
    const Json* quoted = json.find("quotedPcrs");
    AVOUCH_TRY(out, parse_pcr_object(quoted == nullptr ? json : *quoted, "PCRs"));
  } else {
    Lines lines;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      AVOUCH_CHECK(lines.take(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    out = std::move(lines.out);
  }
  if (out.empty()) return rejected("there is no PCR value in it");
  return out;
}

}  // namespace avouch::appraisal
