#include "collect/runtime_log.h"

#include <algorithm>

namespace avouch::collect {
namespace {

constexpr std::uint32_t kMaxNameBytes = 64;
constexpr std::uint32_t kMaxDataBytes = 256 * 1024;
constexpr std::size_t kDigestBytes = 20;

// The entry's size, or nothing where `piece` ends before it does.
Result<std::optional<std::size_t>> entry_size(ByteView piece) {
  ByteReader reader(piece);
  const std::optional<std::size_t> incomplete;
  if (!reader.take(4 + kDigestBytes, "entry").has_value()) return incomplete;
  const auto name_size = reader.le32("template name length");
  if (!name_size.has_value()) return incomplete;
  if (*name_size == 0 || *name_size > kMaxNameBytes) {
    return rejected("template name length " + std::to_string(*name_size) + ", expected 1 to " +
                    std::to_string(kMaxNameBytes));
  }
  const auto name = reader.take(*name_size, "template name");
  if (!name.has_value()) return incomplete;
  if (as_text(*name) == "ima" && !reader.take(kDigestBytes, "file digest").has_value()) {
    return incomplete;
  }
  const auto data_size = reader.le32("template data length");
  if (!data_size.has_value()) return incomplete;
  if (*data_size > kMaxDataBytes) {
    return rejected("template data length " + std::to_string(*data_size) + ", expected at most " +
                    std::to_string(kMaxDataBytes));
  }
  if (!reader.take(*data_size, "template data").has_value()) return incomplete;
  return std::optional(reader.offset());
}

}  // namespace

Result<WholeEntries> whole_entries(ByteView piece) {
  WholeEntries out;
  while (out.bytes < piece.size()) {
    auto size = entry_size(piece.subspan(out.bytes));
    if (!size.has_value()) {
      return with_context(std::move(size).error(), "runtime log, entry " +
                                                       std::to_string(out.entries) + " at byte " +
                                                       std::to_string(out.bytes));
    }
    if (!*size) break;
    out.bytes += **size;
    ++out.entries;
  }
  return out;
}

void RuntimeLog::restart() {
  offset_ = 0;
  entries_ = 0;
  hasher_ = crypto::Hasher(crypto::HashAlgorithm::kSha256);
}

Result<void> RuntimeLog::advance() {
  for (;;) {
    AVOUCH_TRY(const auto piece, source_.runtime_log(offset_, kRuntimeLogPiece));
    present_ = piece.has_value();
    if (!piece || piece->empty()) return {};
    const auto parsed = whole_entries(*piece);
    if (!parsed.has_value()) {
      Error error = with_context(parsed.error(), "from byte " + std::to_string(offset_));
      restart();
      return error;
    }
    const WholeEntries& whole = *parsed;
    if (whole.bytes == 0) return {};
    hasher_.update(ByteView(*piece).first(whole.bytes));
    offset_ += whole.bytes;
    entries_ += whole.entries;
  }
}

std::optional<attest::RuntimeLogReference> RuntimeLog::reference() const {
  if (!present_) return std::nullopt;
  attest::RuntimeLogReference out;
  out.entries = entries_;
  out.offset = offset_;
  const Bytes digest = hasher_.digest_so_far();
  std::copy(digest.begin(), digest.end(), out.digest.begin());
  return out;
}

Result<Bytes> RuntimeLog::piece(std::uint64_t offset) {
  if (offset >= offset_) return Bytes{};
  const auto want =
      static_cast<std::size_t>(std::min<std::uint64_t>(offset_ - offset, kRuntimeLogPiece));
  AVOUCH_TRY(auto bytes, source_.runtime_log(offset, want));
  if (!bytes) return Bytes{};
  AVOUCH_TRY(const WholeEntries whole, whole_entries(*bytes));
  bytes->resize(whole.bytes);
  return std::move(*bytes);
}

}  // namespace avouch::collect
