#include "tlog/misbehaviour.h"

#include <algorithm>
#include <utility>

#include "codec/base64.h"
#include "tlog/witness.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kHeader = "avouch.dev/log-misbehaviour@v1";

// Lines of a file, each after a word that is expected there.
class ProofLines {
 public:
  explicit ProofLines(std::string_view text) : rest_(text) {}

  Error fault(const std::string& what) const {
    return rejected("misbehaviour: line " + std::to_string(number_) + ": " + what);
  }

  // The next line, without its newline.
  Result<std::string_view> line() {
    ++number_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) return fault("expected a line that ends in a newline");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  Result<Bytes> base64_after(std::string_view word) {
    AVOUCH_TRY(const std::string_view text, line());
    const std::string expected = std::string(word) + " ";
    if (!text.starts_with(expected)) return fault("expected \"" + expected + "BASE64\"");
    auto bytes = codec::from_base64(text.substr(expected.size()));
    if (!bytes.has_value()) return fault(bytes.error().message);
    return bytes;
  }

  Result<Hash> hash_after(std::string_view word) {
    AVOUCH_TRY(const Bytes bytes, base64_after(word));
    Hash hash{};
    if (bytes.size() != hash.size()) return fault("a hash has 32 bytes");
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace

std::string format_misbehaviour(const Misbehaviour& misbehaviour) {
  std::string out = std::string(kHeader) + "\n";
  out += "older " + codec::to_base64(as_bytes(misbehaviour.older)) + "\n";
  out += "newer " + codec::to_base64(as_bytes(misbehaviour.newer)) + "\n";
  if (!misbehaviour.prefix) return out;
  out += "prefix " + codec::to_base64(*misbehaviour.prefix) + "\n";
  for (const Hash& hash : misbehaviour.proof) out += "proof " + codec::to_base64(hash) + "\n";
  return out;
}

Result<Misbehaviour> parse_misbehaviour(std::string_view text) {
  if (text.size() > kMaxMisbehaviourBytes) {
    return rejected("misbehaviour: more than " + std::to_string(kMaxMisbehaviourBytes) + " bytes");
  }
  ProofLines lines(text);
  AVOUCH_TRY(const std::string_view header, lines.line());
  if (header != kHeader) return lines.fault("expected \"" + std::string(kHeader) + "\"");
  Misbehaviour out;
  AVOUCH_TRY(const Bytes older, lines.base64_after("older"));
  AVOUCH_TRY(const Bytes newer, lines.base64_after("newer"));
  out.older = as_text(older);
  out.newer = as_text(newer);
  if (lines.at_end()) return out;
  AVOUCH_TRY(out.prefix, lines.hash_after("prefix"));
  while (!lines.at_end()) {
    AVOUCH_TRY(const Hash hash, lines.hash_after("proof"));
    if (out.proof.size() == kMaxProofHashes) return lines.fault("expected the end");
    out.proof.push_back(hash);
  }
  return out;
}

Result<ProvenMisbehaviour> verify_misbehaviour(const Misbehaviour& misbehaviour,
                                               std::span<const NoteVerifier> log_keys,
                                               std::string_view origin) {
  auto older = verify_checkpoint(misbehaviour.older, log_keys, origin);
  if (!older.has_value()) return with_context(older.error(), "misbehaviour: older");
  auto newer = verify_checkpoint(misbehaviour.newer, log_keys, origin);
  if (!newer.has_value()) return with_context(newer.error(), "misbehaviour: newer");
  if (older->size() > newer->size()) {
    return rejected("misbehaviour: the older checkpoint is the larger one");
  }
  if (older->size() == newer->size()) {
    if (misbehaviour.prefix || !misbehaviour.proof.empty()) {
      return rejected("misbehaviour: checkpoints of one size need no proof");
    }
    if (older->root() == newer->root()) {
      return rejected("misbehaviour: the two checkpoints are of the same tree: nothing is proven");
    }
    return ProvenMisbehaviour{*std::move(older), *std::move(newer)};
  }
  if (!misbehaviour.prefix) {
    return rejected("misbehaviour: checkpoints of two sizes need the larger tree's prefix");
  }
  if (*misbehaviour.prefix == older->root()) {
    return rejected("misbehaviour: the newer tree begins as the older one: nothing is proven");
  }
  const auto follows = verify_consistency(older->size(), *misbehaviour.prefix, newer->size(),
                                          newer->root(), misbehaviour.proof);
  if (!follows.has_value()) return with_context(follows.error(), "misbehaviour: prefix");
  return ProvenMisbehaviour{*std::move(older), *std::move(newer)};
}

}  // namespace avouch::tlog
