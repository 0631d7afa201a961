#include "bootlog/describe.h"

#include <algorithm>

#include "base/hex.h"
#include "bootlog/describe_firmware.h"
#include "bootlog/device_path.h"
#include "bootlog/event.h"
#include "bootlog/text.h"
#include "bootlog/variable.h"
#include "crypto/x509.h"

namespace avouch::bootlog {
namespace {

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxCertificate = 16 * 1024;
constexpr std::size_t kMaxListed = 8;  // signatures of one variable

std::string certificate_text(ByteView der) {
  if (der.size() > kMaxCertificate) {
    return "certificate of " + std::to_string(der.size()) + " bytes";
  }
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate.has_value()) return "certificate that cannot be read";
  return printable(certificate->subject(), 200) + " (sha256:" + to_hex(certificate->fingerprint()) +
         ")";
}

void add_signatures(ByteView value, Fields& out) {
  const auto entries = parse_signature_lists(value);
  if (!entries.has_value()) {
    out.push_back({"signatures", "(" + entries.error().message + ")"});
    return;
  }
  std::size_t listed = 0;
  for (const SignatureEntry& entry : *entries) {
    if (++listed > kMaxListed) break;
    const ByteView start = entry.value.first(std::min<std::size_t>(entry.value.size(), 64));
    const bool digest = entry.kind == SignatureEntry::Kind::kSha256;
    out.push_back({"signature", entry.kind == SignatureEntry::Kind::kX509
                                    ? certificate_text(entry.value)
                                    : (digest ? "SHA-256 " : "") + to_hex(start)});
  }
  if (entries->size() > kMaxListed) {
    out.push_back({"signatures", std::to_string(entries->size()) + " in all"});
  }
}

void add_variable(const Event& event, ByteView data, Fields& out) {
  const auto variable = parse_variable(data);
  if (!variable.has_value()) {
    out.push_back({"variable", "(" + variable.error().message + ")"});
    return;
  }
  out.push_back({"variable", printable(variable->name, kMaxText)});
  out.push_back({"guid", variable->guid});
  const bool lists = holds_keys(*variable) || variable->name == "dbx";
  if (event.type == kVariableAuthority) {
    const auto signature = parse_signature_data(variable->value);
    if (signature && signature->value.size() > 64) {
      out.push_back({"signature", certificate_text(signature->value)});
      return;
    }
  } else if (lists) {
    add_signatures(variable->value, out);
    return;
  }
  const bool boot = event.type == kVariableBoot || event.type == kVariableBoot2;
  if (boot && variable->name == "BootOrder" && add_boot_order(variable->value, out)) return;
  if (boot && add_load_option(variable->value, out)) return;
  out.push_back({"value", printable(variable->value, kMaxText)});
}

bool add_image(ByteView data, Fields& out) {
  const auto image = parse_image_load(data);
  if (!image) return false;
  out.push_back({"path", image->path});
  out.push_back({"size", std::to_string(image->size)});
  return true;
}

// Some boot loaders log UTF-16 without the second byte of its NUL (Binding::kNulAdded).
std::optional<std::string> loose_utf16(ByteView data) {
  if (data.size() % 2 == 0) return utf16_text(data);
  for (std::size_t at = 1; at < data.size(); at += 2) {
    if (data[at] != 0) return std::nullopt;
  }
  Bytes whole(data.begin(), data.end());
  whole.push_back(0);
  return utf16_text(whole);
}

void add_text(ByteView data, Fields& out) {
  data = data.first(std::min(data.size(), 2 * (kMaxText + 1)));  // one more, so that a cut shows
  const ByteView text = !data.empty() && data.back() == 0 ? data.first(data.size() - 1) : data;
  const bool ascii = std::find(text.begin(), text.end(), 0) == text.end();
  const auto wide = ascii ? std::nullopt : loose_utf16(data);
  out.push_back({"text", wide ? printable(*wide, kMaxText) : printable(text, kMaxText)});
}

bool add_decoded(const Event& event, ByteView data, Fields& out) {
  switch (event.type) {
    case kNoAction:
      return add_no_action(data, out);
    case kVariableDriverConfig:
    case kVariableBoot:
    case kVariableBoot2:
    case kVariableAuthority:
      add_variable(event, data, out);
      return true;
    case kBootServicesApplication:
    case kBootServicesDriver:
    case kRuntimeServicesDriver:
      return add_image(data, out);
    case kPlatformFirmwareBlob:
      return add_firmware_blob(data, out);
    case kPlatformFirmwareBlob2:
      return add_firmware_blob2(data, out);
    case kGptEvent:
    case kGptEvent2:
      return add_partitions(data, out);
    case kEventTag:
      return add_tagged(data, out);
    case kSeparator:
      out.push_back({"value", to_hex(data.first(std::min<std::size_t>(data.size(), 64)))});
      return true;
    case kPostCode:
      if (add_firmware_blob(data, out)) return true;
      [[fallthrough]];
    case kCrtmVersion:
    case kIpl:
    case kAction:
    case kEfiAction:
    case kPostCode2:
    case kOmitBootDeviceEvents:
      add_text(data, out);
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<attest::ReasonField> describe(const BootLog& log, const Event& event) {
  Fields out;
  const ByteView data = log.data(event);
  if (!add_decoded(event, data, out) && !data.empty()) {
    out.push_back({"data", printable(data, kMaxText)});
  }
  return out;
}

}  // namespace avouch::bootlog
