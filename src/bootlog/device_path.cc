#include "bootlog/device_path.h"

#include <algorithm>

#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

constexpr std::uint8_t kHardware = 1, kAcpi = 2, kMedia = 4, kEnd = 0x7f;
constexpr std::size_t kMaxNodeText = 256;

std::string number(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[at + i];
  return hex_number(value);
}

std::string hard_drive_text(ByteView body) {
  std::string out = "HD(" + std::to_string(body[0]);
  out += body[36] == 2 ? ",GPT," + guid_text(body.subspan(20, 16)) : std::string(",MBR");
  return out + ")";
}

std::string file_text(ByteView body) {
  std::string name;
  if (body.size() >= 2 && body[body.size() - 1] == 0 && body[body.size() - 2] == 0) {
    body = body.first(body.size() - 2);
  }
  const auto text = utf16_text(body);
  if (!text) return "File(not UTF-16)";
  std::string out;
  for (std::size_t at = 0; at <= text->size();) {  // its separators as they are
    const std::size_t end = std::min(text->find('\\', at), text->size());
    out += (at == 0 ? "" : "\\") + printable(text->substr(at, end - at), kMaxNodeText);
    at = end + 1;
    if (out.size() > kMaxNodeText) return out + "...";
  }
  return out;
}

std::string node_text(std::uint8_t type, std::uint8_t subtype, ByteView body) {
  if (type == kHardware && subtype == 1 && body.size() == 2) {
    return "Pci(" + hex_number(body[1]) + "," + hex_number(body[0]) + ")";
  }
  if (type == kAcpi && subtype == 1 && body.size() == 8) {
    const bool root = number(body, 0, 4) == "0xa0341d0";  // PNP0A03
    return (root ? "PciRoot(" : "Acpi(" + number(body, 0, 4) + ",") + number(body, 4, 4) + ")";
  }
  if (type == kMedia && subtype == 1 && body.size() == 38) return hard_drive_text(body);
  if (type == kMedia && subtype == 4) return file_text(body);
  if (type == kMedia && (subtype == 6 || subtype == 7) && body.size() == 16) {
    return (subtype == 6 ? "FvFile(" : "Fv(") + guid_text(body) + ")";
  }
  return "Path(" + std::to_string(type) + "," + std::to_string(subtype) + "," +
         std::to_string(body.size()) + " bytes)";
}

}  // namespace

Result<std::string> device_path_text(ByteView path) {
  std::string out;
  ByteReader reader(path);
  for (std::size_t node = 0; node < kMaxPathNodes; ++node) {
    const std::string at = "device path, node " + std::to_string(node);
    AVOUCH_TRY(const std::uint8_t type, reader.u8(at));
    AVOUCH_TRY(const std::uint8_t subtype, reader.u8(at));
    AVOUCH_TRY(const std::uint16_t length, reader.le16(at));
    if (length < 4) return rejected(at + ": length " + std::to_string(length));
    AVOUCH_TRY(const ByteView body, reader.take(length - 4U, at));
    if (type == kEnd) {
      if (subtype == 0xff) {
        AVOUCH_CHECK(reader.expect_end("device path"));
        return out;
      }
      out += ",";  // the end of one instance of several
      continue;
    }
    if (!out.empty() && out.back() != ',') out += '/';
    out += node_text(type, subtype, body);
  }
  return rejected("device path: more than " + std::to_string(kMaxPathNodes) + " nodes");
}

std::optional<ImageLoad> parse_image_load(ByteView data) {
  ByteReader reader(data);
  const auto location = reader.le64("location");
  const auto size = reader.le64("size");
  const auto link = reader.le64("link address");
  const auto path_size = reader.le64("path size");
  if (!path_size.has_value() || *path_size != reader.remaining()) return std::nullopt;
  ImageLoad out{*location, *size, ""};
  static_cast<void>(link);
  const ByteView path = data.subspan(reader.offset());
  if (path.empty()) return out;
  const auto text = device_path_text(path);
  out.path = text.has_value() ? *text : "(" + text.error().message + ")";
  return out;
}

}  // namespace avouch::bootlog
