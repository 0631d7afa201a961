#include "tlog/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "codec/base64.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kMaxExtensions = 64;

// Takes one line with its newline from the front of `text`.
Result<std::string_view> take_line(std::string_view& text, std::string_view what) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) {
    return rejected("checkpoint: " + std::string(what) + " is missing or has no newline");
  }
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!is_line(line)) {
    return rejected("checkpoint: " + std::string(what) +
                    " is empty, has a control character or is not UTF-8");
  }
  return line;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (failure != std::errc() || end != text.data() + text.size() || leading_zero) {
    return rejected("checkpoint: size is not a decimal number without leading zeros below 2^64");
  }
  return size;
}

}  // namespace

Result<std::string> format_checkpoint(const Checkpoint& checkpoint) {
  if (!is_line(checkpoint.origin)) {
    return rejected("checkpoint: origin is empty, has a control character or is not UTF-8");
  }
  if (checkpoint.extensions.size() > kMaxExtensions) {
    return rejected("checkpoint: more than " + std::to_string(kMaxExtensions) + " extensions");
  }
  std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
                     codec::to_base64(checkpoint.root) + "\n";
  for (const std::string& line : checkpoint.extensions) {
    if (!is_line(line)) {
      return rejected("checkpoint: an extension line is empty or has a control character");
    }
    text += line + "\n";
  }
  return text;
}

Result<Checkpoint> parse_checkpoint_unverified(std::string_view text) {
  Checkpoint checkpoint;
  AVOUCH_TRY(const std::string_view origin, take_line(text, "origin"));
  checkpoint.origin = std::string(origin);
  AVOUCH_TRY(const std::string_view size, take_line(text, "size"));
  AVOUCH_TRY(checkpoint.size, parse_size(size));
  AVOUCH_TRY(const std::string_view root_text, take_line(text, "root hash"));
  auto root = codec::from_base64(root_text);
  if (!root.has_value()) return with_context(std::move(root).error(), "checkpoint: root hash");
  if (root->size() != checkpoint.root.size()) {
    return rejected("checkpoint: root hash has " + std::to_string(root->size()) +
                    " bytes, expected 32");
  }
  std::copy(root->begin(), root->end(), checkpoint.root.begin());
  while (!text.empty()) {
    if (checkpoint.extensions.size() == kMaxExtensions) {
      return rejected("checkpoint: more than " + std::to_string(kMaxExtensions) + " extensions");
    }
    AVOUCH_TRY(const std::string_view line, take_line(text, "extension line"));
    checkpoint.extensions.emplace_back(line);
  }
  return checkpoint;
}

Result<VerifiedCheckpoint> verify_checkpoint(std::string_view note,
                                             std::span<const NoteVerifier> log_keys,
                                             std::string_view origin) {
  AVOUCH_TRY(const VerifiedNote verified, verify_note(note, log_keys));
  AVOUCH_TRY(Checkpoint checkpoint, parse_checkpoint_unverified(verified.text()));
  if (checkpoint.origin != origin) {
    return rejected("checkpoint is of log \"" + checkpoint.origin + "\", expected \"" +
                    std::string(origin) + "\"");
  }
  if (checkpoint.size == 0 && checkpoint.root != empty_root()) {
    return rejected("checkpoint of size 0 has a root other than SHA-256 of nothing");
  }
  return VerifiedCheckpoint(std::move(checkpoint), std::string(note));
}

}  // namespace avouch::tlog
