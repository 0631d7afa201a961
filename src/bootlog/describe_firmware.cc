#include "bootlog/describe_firmware.h"

#include <algorithm>

#include "bootlog/device_path.h"
#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

constexpr std::size_t kMaxListedOptions = 16;
constexpr std::size_t kMaxFirmwareText = 256;

// UTF-16 as printable text, from at most so many bytes as are shown.
std::string wide_text(ByteView bytes) {
  const auto text = utf16_text(bytes.first(std::min(bytes.size(), 2 * kMaxFirmwareText)));
  return text ? printable(*text, kMaxFirmwareText) : printable(bytes, kMaxFirmwareText);
}

std::string algorithm_name(std::uint16_t id) {
  switch (id) {
    case 0x04:
      return "sha1";
    case 0x0b:
      return "sha256";
    case 0x0c:
      return "sha384";
    case 0x0d:
      return "sha512";
    case 0x12:
      return "sm3_256";
    default:
      return hex_number(id);
  }
}

bool add_header(ByteView data, Fields& out) {
  ByteReader reader(data);
  const auto signature = reader.take(16, "");
  const auto platform = reader.le32("");
  const auto minor = reader.u8("");
  const auto major = reader.u8("");
  const auto errata = reader.u8("");
  const auto word = reader.u8("");
  const auto count = reader.le32("");
  if (!count.has_value() || *count > kMaxListedOptions) return false;
  static_cast<void>(signature.has_value() && word.has_value());
  std::string algorithms;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const auto id = reader.le16("");
    const auto size = reader.le16("");
    if (!size.has_value()) return false;
    algorithms += (algorithms.empty() ? "" : " ") + algorithm_name(*id);
  }
  out.push_back({"version", std::to_string(*major) + "." + std::to_string(*minor) + " errata " +
                                std::to_string(*errata)});
  out.push_back({"platform", *platform == 0 ? "client" : hex_number(*platform)});
  out.push_back({"algorithms", algorithms});
  return true;
}

}  // namespace

bool add_no_action(ByteView data, Fields& out) {
  const std::string_view text = as_text(data);
  if (text.starts_with(std::string_view("Spec ID Event03\0", 16))) return add_header(data, out);
  if (data.size() == 17 && text.starts_with(std::string_view("StartupLocality\0", 16))) {
    out.push_back({"startupLocality", std::to_string(data[16])});
    return true;
  }
  return false;
}

bool add_firmware_blob(ByteView data, Fields& out) {
  ByteReader reader(data);
  const auto base = reader.le64("");
  const auto size = reader.le64("");
  if (!size.has_value() || !reader.at_end()) return false;
  out.push_back({"address", hex_number(*base)});
  out.push_back({"size", std::to_string(*size)});
  return true;
}

bool add_firmware_blob2(ByteView data, Fields& out) {
  ByteReader reader(data);
  const auto length = reader.u8("");
  if (!length.has_value()) return false;
  const auto name = reader.take(*length, "");
  if (!name.has_value() || reader.remaining() != 16) return false;
  out.push_back({"description", printable(*name, kMaxFirmwareText)});
  return add_firmware_blob(data.last(16), out);
}

bool add_partitions(ByteView data, Fields& out) {
  constexpr std::size_t kDisk = 56, kHeader = 92, kName = 56, kSmallest = 128;
  ByteReader reader(data);
  const auto header = reader.take(kHeader, "");
  if (!header.has_value() || !as_text(*header).starts_with("EFI PART")) return false;
  const auto count = reader.le64("");
  if (!count.has_value() || *count == 0 || reader.remaining() % *count != 0) return false;
  const std::size_t each = reader.remaining() / *count;
  if (each < kSmallest) return false;
  out.push_back({"disk", guid_text(header->subspan(kDisk, 16))});
  for (std::size_t i = 0; i < std::min<std::size_t>(*count, kMaxListedOptions); ++i) {
    const ByteView entry = data.subspan(reader.offset() + i * each, each);
    const ByteView name = entry.subspan(kName, kSmallest - kName);
    std::size_t end = 0;
    while (end < name.size() && (name[end] != 0 || name[end + 1] != 0)) end += 2;
    out.push_back({"partition", guid_text(entry.subspan(16, 16)) + " \"" +
                                    wide_text(name.first(end)) + "\" type " +
                                    guid_text(entry.first(16))});
  }
  return true;
}

bool add_boot_order(ByteView value, Fields& out) {
  if (value.empty() || value.size() % 2 != 0) return false;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (std::size_t at = 0; at < std::min<std::size_t>(value.size(), 2 * kMaxListedOptions);
       at += 2) {
    text += text.empty() ? "Boot" : " Boot";
    for (const std::uint8_t byte : {value[at + 1], value[at]}) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  if (value.size() > 2 * kMaxListedOptions) text += " ...";
  out.push_back({"order", text});
  return true;
}

bool add_load_option(ByteView value, Fields& out) {
  ByteReader reader(value);
  const auto attributes = reader.le32("");
  const auto path_size = reader.le16("");
  if (!path_size.has_value()) return false;
  const std::size_t start = reader.offset();
  std::size_t end = start;
  while (end + 2 <= value.size() && (value[end] != 0 || value[end + 1] != 0)) end += 2;
  if (end + 2 > value.size() || *path_size > value.size() - end - 2) return false;
  out.push_back({"description", wide_text(value.subspan(start, end - start))});
  const auto path = device_path_text(value.subspan(end + 2, *path_size));
  out.push_back({"path", path.has_value() ? *path : "(" + path.error().message + ")"});
  if ((*attributes & 1U) == 0) out.push_back({"active", "no"});
  return true;
}

bool add_tagged(ByteView data, Fields& out) {
  ByteReader reader(data);
  const auto tag = reader.le32("");
  const auto size = reader.le32("");
  if (!size.has_value() || *size != reader.remaining()) return false;
  ByteView text = data.subspan(reader.offset());
  if (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
  out.push_back({"tag", hex_number(*tag)});
  out.push_back({"text", printable(text, kMaxFirmwareText)});
  return true;
}

}  // namespace avouch::bootlog
