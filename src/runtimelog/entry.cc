#include "runtimelog/entry.h"

#include <algorithm>

namespace avouch::runtimelog {
namespace {

constexpr std::size_t kHead = 4 + 20 + 4;

std::uint32_t le32(ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) | static_cast<std::uint32_t>(bytes[at + 1]) << 8 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

std::string pcr_problem(std::uint32_t pcr) {
  if (pcr == kImaPcr << 24) {
    return "PCR 10 in big-endian order: expected little-endian; boot the node with "
           "ima_canonical_fmt on the kernel command line";
  }
  return "PCR " + std::to_string(pcr) +
         ": expected 10. Measurements that an IMA rule sends elsewhere (pcr=) are not replayed: "
         "remove pcr= from the node's IMA policy";
}

bool is_printable(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

class Framer {
 public:
  Framer(ByteView bytes, std::uint64_t number, std::uint64_t offset)
      : bytes_(bytes), number_(number), offset_(offset) {}

  Result<Frame> run() {
    // Each field is refused as soon as it is there: garbage is not waited for.
    if (bytes_.size() < 4) return need(4);
    if (const std::uint32_t pcr = le32(bytes_, 0); pcr != kImaPcr) return wrong(pcr_problem(pcr));
    if (bytes_.size() < kHead) return need(kHead);
    const std::uint32_t name_size = le32(bytes_, 24);
    if (name_size == 0 || name_size > kMaxTemplateName) {
      return wrong("template name of " + std::to_string(name_size) + " bytes: expected 1 to " +
                   std::to_string(kMaxTemplateName));
    }
    if (bytes_.size() < kHead + name_size) return need(kHead + name_size);
    const std::string_view name = as_text(bytes_.subspan(kHead, name_size));
    if (!is_printable(name)) {
      return wrong("template name with bytes other than printable ASCII");
    }
    const std::size_t begin = kHead + name_size;
    return name == kLegacyTemplate ? legacy(begin) : fields(name, begin);
  }

 private:
  Result<Frame> fields(std::string_view name, std::size_t at) {
    if (bytes_.size() < at + 4) return need(at + 4);
    const std::uint32_t size = le32(bytes_, at);
    if (size == 0 || size > kMaxTemplateData) {
      return wrong("template data of " + std::to_string(size) + " bytes: expected 1 to " +
                   std::to_string(kMaxTemplateData));
    }
    return whole(name, at + 4, size);
  }

  Result<Frame> legacy(std::size_t at) {
    if (bytes_.size() < at + 24) return need(at + 24);
    const std::uint32_t size = le32(bytes_, at + 20);
    if (size > kMaxPath) {
      return wrong("path of " + std::to_string(size) + " bytes: expected at most " +
                   std::to_string(kMaxPath));
    }
    return whole(kLegacyTemplate, at, std::size_t{24} + size);
  }

  Result<Frame> whole(std::string_view name, std::size_t begin, std::size_t size) {
    if (bytes_.size() < begin + size) return need(begin + size);
    Entry entry;
    entry.number = number_;
    entry.offset = offset_;
    std::copy_n(bytes_.begin() + 4, entry.template_digest.size(), entry.template_digest.begin());
    entry.template_name = name;
    entry.data = bytes_.subspan(begin, size);
    entry.bytes = bytes_.first(begin + size);
    return Frame{entry, begin + size};
  }

  static Result<Frame> need(std::size_t bytes) { return Frame{std::nullopt, bytes}; }

  Error wrong(const std::string& what) const {
    return rejected("runtime log, " + entry_place(number_, offset_) + ": " + what);
  }

  ByteView bytes_;
  std::uint64_t number_;
  std::uint64_t offset_;
};

}  // namespace

std::string entry_place(std::uint64_t number, std::uint64_t offset) {
  return "entry " + std::to_string(number) + " (at byte " + std::to_string(offset) + ")";
}

Result<Frame> frame_entry(ByteView bytes, std::uint64_t number, std::uint64_t offset) {
  return Framer(bytes, number, offset).run();
}

}  // namespace avouch::runtimelog
