#include "adapters/agent_files.h"

namespace avouch::adapters {
namespace {

constexpr std::string_view kMagic = "avouch-key-1\n";
constexpr std::size_t kMaxKeyFile = 8192;

Result<Bytes> take_sized(ByteReader& reader, std::string_view what) {
  AVOUCH_TRY(const std::uint16_t size, reader.be16(what));
  AVOUCH_TRY(const ByteView content, reader.take(size, what));
  Bytes out;
  append_be16(out, size);
  append(out, content);
  return out;
}

}  // namespace

Result<std::optional<tpm::WrappedKey>> KeyFile::load() {
  AVOUCH_TRY(const auto content, read_file(path_, kMaxKeyFile));
  if (!content) return std::optional<tpm::WrappedKey>();
  ByteReader reader(*content);
  AVOUCH_TRY(const ByteView magic, reader.take(kMagic.size(), path_.string()));
  if (as_text(magic) != kMagic) {
    return rejected(path_.string() + ": not a key file of this version");
  }
  tpm::WrappedKey key;
  AVOUCH_TRY(key.public_area, take_sized(reader, "public area"));
  AVOUCH_TRY(key.private_area, take_sized(reader, "private area"));
  AVOUCH_CHECK(reader.expect_end(path_.string()));
  return std::optional(std::move(key));
}

Result<void> KeyFile::save(const tpm::WrappedKey& key) {
  Bytes content = to_bytes(kMagic);
  append(content, key.public_area);
  append(content, key.private_area);
  return write_file_atomically(path_, content);
}

Result<std::optional<Bytes>> KernelLogs::boot_log() {
  return read_file(boot_log_, collect::kMaxBootLogBytes);
}

Result<std::optional<Bytes>> KernelLogs::runtime_log(std::uint64_t offset, std::size_t max) {
  if (!open_ || !open_->is_at(runtime_log_)) {
    open_.reset();
    AVOUCH_TRY(open_, OpenFile::open(runtime_log_));
    if (!open_) return std::optional<Bytes>();
  }
  auto content = open_->read(offset, max);
  if (!content.has_value()) {
    open_.reset();
    return std::move(content).error();
  }
  return std::optional(*std::move(content));
}

}  // namespace avouch::adapters
