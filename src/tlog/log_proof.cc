#include "tlog/log_proof.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "codec/base64.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kProofMagic = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ", kIndex = "index ";
constexpr std::size_t kMaxPath = 63;
constexpr std::size_t kMaxExtraBytes = 128 * 1024;
constexpr std::size_t kMaxBytes = kMaxNoteBytes + 2 * kMaxExtraBytes;

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  Result<std::string_view> next() {
    ++number_;
    const auto end = text_.find('\n');
    if (end == std::string_view::npos) return wrong("is missing, or has no newline");
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return line;
  }
  Error wrong(const std::string& why) const {
    return rejected("tlog-proof: line " + std::to_string(number_) + " " + why);
  }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
  std::size_t number_ = 0;
};

Result<std::uint64_t> parse_index(const Lines& lines, std::string_view line) {
  std::uint64_t index = 0;
  const std::string_view digits = line.substr(std::min(kIndex.size(), line.size()));
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (!line.starts_with(kIndex) || failure != std::errc() || end != digits.data() + digits.size() ||
      leading_zero) {
    return lines.wrong("is not \"index N\" with a decimal number without leading zeros");
  }
  return index;
}

}  // namespace

Result<LogProof> parse_log_proof(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return rejected("tlog-proof has " + std::to_string(text.size()) + " bytes, at most " +
                    std::to_string(kMaxBytes) + " are read");
  }
  Lines lines(text);
  AVOUCH_TRY(std::string_view line, lines.next());
  if (line != kProofMagic) return lines.wrong("is not \"" + std::string(kProofMagic) + "\"");
  LogProof proof;
  AVOUCH_TRY(line, lines.next());
  if (line.starts_with(kExtra)) {
    auto extra = codec::from_base64(line.substr(kExtra.size()));
    if (!extra.has_value()) return lines.wrong("extra: " + extra.error().message);
    if (extra->size() > kMaxExtraBytes) return lines.wrong("extra: has more than 128 KiB");
    proof.extra = *std::move(extra);
    AVOUCH_TRY(line, lines.next());
  }
  AVOUCH_TRY(proof.index, parse_index(lines, line));
  while (true) {
    AVOUCH_TRY(line, lines.next());
    if (line.empty()) break;
    const auto bytes = codec::from_base64(line);
    Hash hash{};
    if (!bytes.has_value() || bytes->size() != hash.size()) {
      return lines.wrong("is not a hash: expected 32 bytes in base64");
    }
    if (proof.path.size() == kMaxPath) return lines.wrong("is the 64th hash, at most 63 are read");
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    proof.path.push_back(hash);
  }
  proof.note = std::string(lines.rest());
  auto note = parse_note_unverified(proof.note);
  if (!note.has_value()) return with_context(note.error(), "tlog-proof: checkpoint");
  return proof;
}

std::string format_log_proof(const LogProof& proof) {
  std::string out = std::string(kProofMagic) + "\n";
  if (proof.extra) out += std::string(kExtra) + codec::to_base64(*proof.extra) + "\n";
  out += std::string(kIndex) + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.path) out += codec::to_base64(hash) + "\n";
  return out + "\n" + proof.note;
}

Result<VerifiedLogProof> verify_log_proof(const LogProof& proof, const Hash& leaf,
                                          std::span<const NoteVerifier> log_keys,
                                          std::string_view origin, const LogPolicy* policy) {
  AVOUCH_TRY(VerifiedCheckpoint checkpoint, verify_checkpoint(proof.note, log_keys, origin));
  VerifiedLogProof verified{std::move(checkpoint), {}};
  if (policy != nullptr) {
    AVOUCH_TRY(const UnverifiedNote note, parse_note_unverified(proof.note));
    AVOUCH_TRY(verified.cosignatures, verify_cosignatures(note, policy->cosigner_keys()));
    if (!policy->is_met(verified.cosignatures)) {
      return rejected("the checkpoint is cosigned by " +
                      std::to_string(verified.cosignatures.size()) +
                      " known witnesses, which are no quorum of the policy");
    }
  }
  AVOUCH_CHECK(verify_inclusion(proof.index, verified.checkpoint.size(), leaf, proof.path,
                                verified.checkpoint.root()));
  return verified;
}

}  // namespace avouch::tlog
