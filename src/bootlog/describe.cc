#include "bootlog/describe.h"

#include <algorithm>

#include "base/hex.h"
#include "bootlog/device_path.h"
#include "bootlog/event.h"
#include "bootlog/text.h"
#include "bootlog/variable.h"
#include "crypto/x509.h"

namespace avouch::bootlog {
namespace {

using Fields = std::vector<attest::ReasonField>;

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxListed = 8;  // signatures of one variable

std::string certificate_text(ByteView der) {
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
  for (std::size_t i = 0; i < std::min(entries->size(), kMaxListed); ++i) {
    const SignatureEntry& entry = (*entries)[i];
    const bool x509 = entry.kind == SignatureEntry::Kind::kX509;
    out.push_back({"signature", x509 ? certificate_text(entry.value)
                                     : std::string(entry.type) + " " +
                                           to_hex(entry.value.first(
                                               std::min<std::size_t>(entry.value.size(), 64)))});
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
  const bool lists = variable->name == "PK" || variable->name == "KEK" || variable->name == "db" ||
                     variable->name == "dbx";
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
  out.push_back({"value", printable(variable->value, kMaxText)});
}

void add_image(ByteView data, Fields& out) {
  const auto image = parse_image_load(data);
  if (!image) {
    out.push_back({"data", printable(data, kMaxText)});
    return;
  }
  out.push_back({"path", image->path});
  out.push_back({"size", std::to_string(image->size)});
}

void add_text(ByteView data, Fields& out) {
  const ByteView text = !data.empty() && data.back() == 0 ? data.first(data.size() - 1) : data;
  const bool ascii = std::find(text.begin(), text.end(), 0) == text.end();
  const auto wide = ascii ? std::nullopt : utf16_text(data);
  out.push_back({"text", wide ? printable(*wide, kMaxText) : printable(text, kMaxText)});
}

}  // namespace

std::vector<attest::ReasonField> describe(const BootLog& log, const Event& event) {
  Fields out;
  const ByteView data = log.data(event);
  switch (event.type) {
    case kVariableDriverConfig:
    case kVariableBoot:
    case kVariableBoot2:
    case kVariableAuthority:
      add_variable(event, data, out);
      break;
    case kBootServicesApplication:
    case kBootServicesDriver:
    case kRuntimeServicesDriver:
      add_image(data, out);
      break;
    case kSeparator:
      out.push_back({"value", to_hex(data.first(std::min<std::size_t>(data.size(), 64)))});
      break;
    case kCrtmVersion:
    case kIpl:
    case kAction:
    case kEfiAction:
    case kPostCode:
      add_text(data, out);
      break;
    case kEventTag:
      if (data.size() > 8) {
        add_text(data.subspan(8), out);
        break;
      }
      [[fallthrough]];
    default:
      if (!data.empty()) out.push_back({"data", printable(data, kMaxText)});
      break;
  }
  return out;
}

}  // namespace avouch::bootlog
