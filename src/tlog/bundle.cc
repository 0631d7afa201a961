#include "tlog/bundle.h"

#include <string>

namespace avouch::tlog {

Result<void> append_to_bundle(Bytes& bundle, ByteView entry) {
  if (entry.size() > kMaxEntryBytes) {
    return rejected("entry has " + std::to_string(entry.size()) + " bytes, at most " +
                    std::to_string(kMaxEntryBytes) + " fit into a bundle");
  }
  append_be16(bundle, static_cast<std::uint16_t>(entry.size()));
  append(bundle, entry);
  return {};
}

Result<std::vector<Bytes>> parse_bundle(ByteView bundle, unsigned width) {
  ByteReader reader(bundle);
  std::vector<Bytes> entries;
  for (unsigned i = 0; i < width; ++i) {
    AVOUCH_TRY(const std::uint16_t length, reader.be16("bundle: length of an entry"));
    AVOUCH_TRY(const ByteView entry, reader.take(length, "bundle: entry"));
    entries.emplace_back(entry.begin(), entry.end());
  }
  AVOUCH_CHECK(reader.expect_end("bundle of " + std::to_string(width) + " entries"));
  return entries;
}

Result<Bytes> bundle_prefix(ByteView bundle, unsigned width) {
  ByteReader reader(bundle);
  for (unsigned i = 0; i < width; ++i) {
    AVOUCH_TRY(const std::uint16_t length, reader.be16("bundle: length of an entry"));
    AVOUCH_CHECK(reader.take(length, "bundle: entry"));
  }
  const ByteView prefix = bundle.first(reader.offset());
  return Bytes(prefix.begin(), prefix.end());
}

}  // namespace avouch::tlog
