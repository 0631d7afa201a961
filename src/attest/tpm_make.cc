#include "attest/tpm_make.h"

#include <algorithm>
#include <array>

#include "base/hex.h"

namespace avouch::attest {
namespace {

constexpr std::string_view kManufacturer = "2.23.133.2.1", kModel = "2.23.133.2.2",
                           kVersion = "2.23.133.2.3";
constexpr std::string_view kPrefix = "id:";

// Vendor ids without their padding. MSFT, GOOG and IBM are registered too, but stand for the
// virtual TPMs of Hyper-V and Azure, Google Cloud, and libtpms.
constexpr std::array<std::string_view, 22> kHardwareMakers = {
    "AMD", "ATML", "BRCM", "CSCO", "FLYS", "HISI", "IFX",  "INTC", "NSG", "NSM", "NTC",
    "NTZ", "QCOM", "ROCC", "SEAL", "SECE", "SMSC", "SMSN", "SNS",  "STM", "TXN", "WEC"};

struct VirtualMaker {
  std::string_view id;
  std::string_view what;
};
constexpr std::array kVirtualMakers = {
    VirtualMaker{"IBM", "libtpms, as in swtpm and QEMU"},
    VirtualMaker{"MSFT", "Hyper-V and Azure"},
    VirtualMaker{"GOOG", "Google Cloud"},
    VirtualMaker{"AMZN", "AWS Nitro"},
    VirtualMaker{"VMW", "VMware"},
    VirtualMaker{"QEMU", "QEMU"},
};
// IBM's number at the PCI SIG: what swtpm_localca writes unless it is told otherwise.
constexpr std::string_view kSwtpmId("\0\0\x10\x14", 4);

constexpr std::array<std::string_view, 5> kVirtualModels = {"swtpm", "libtpms", "vtpm", "virtual",
                                                            "qemu"};

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out;
  for (const char c : text.substr(0, kLongest)) {
    out.push_back(c >= ' ' && c <= '~' && c != '"' ? c : '?');
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The four characters of "id:HHHHHHHH" without the zeros or blanks at their end. Nothing for any
// other form.
std::optional<std::string> vendor_of(std::string_view manufacturer) {
  if (!manufacturer.starts_with(kPrefix)) return std::nullopt;
  const auto id = from_hex(lower(manufacturer.substr(kPrefix.size())));
  if (!id.has_value() || id->size() != 4) return std::nullopt;
  std::string out(id->begin(), id->end());
  if (out == kSwtpmId) return out;
  while (!out.empty() && (out.back() == '\0' || out.back() == ' ')) out.pop_back();
  return out;
}

Reason not_hardware(const std::string& why) {
  return refuse(code::kHardwareRequired,
                "EK certificate: " + why +
                    ": use a machine with a hardware TPM, or, if virtual TPMs will do, take "
                    "requireHardware out of the policy's endorsement");
}

}  // namespace

std::string to_text(const TpmMake& make) {
  const auto vendor = vendor_of(make.manufacturer);
  const bool readable = vendor && std::all_of(vendor->begin(), vendor->end(),
                                              [](char c) { return c > ' ' && c <= '~'; });
  const std::string id = make.manufacturer.empty() ? "no manufacturer" : make.manufacturer;
  std::string out = readable ? *vendor + " (" + printable(id) + ")" : printable(id);
  if (!make.model.empty()) out += ", model " + printable(make.model);
  if (!make.version.empty()) out += ", version " + printable(make.version);
  return out;
}

Checked<std::optional<TpmMake>> read_tpm_make(const crypto::Certificate& certificate) {
  const auto name = certificate.subject_alternative_name();
  if (!name.has_value()) {
    return refuse(code::kEndorsementInvalid, "EK certificate: " + name.error().message);
  }
  if (!name.value()) return std::optional<TpmMake>{};
  TpmMake out;
  bool any = false;
  for (const crypto::NameAttribute& attribute : name.value()->attributes) {
    std::string* to = attribute.oid == kManufacturer ? &out.manufacturer
                      : attribute.oid == kModel      ? &out.model
                      : attribute.oid == kVersion    ? &out.version
                                                     : nullptr;
    if (to == nullptr) continue;
    if (attribute.value.empty() || (!to->empty() && *to != attribute.value)) {
      return refuse(code::kEndorsementInvalid,
                    "EK certificate: subjectAltName: attribute " + attribute.oid +
                        (attribute.value.empty() ? " is not a text of 1 to 256 bytes"
                                                 : " has two different values"));
    }
    *to = attribute.value;
    any = true;
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Reason> require_hardware(const std::optional<TpmMake>& make) {
  if (!make || make->manufacturer.empty()) {
    return not_hardware("it does not say who made the TPM (subjectAltName, attribute " +
                        std::string(kManufacturer) + "), and the policy requires hardware");
  }
  const auto vendor = vendor_of(make->manufacturer);
  const std::string what = "the TPM is " + to_text(*make);
  if (!vendor) {
    return not_hardware(what +
                        ", whose manufacturer is not of the form id: and 8 hexadecimal "
                        "digits, and the policy requires hardware");
  }
  if (*vendor == kSwtpmId) {
    return not_hardware(what + ", a virtual TPM (swtpm), and the policy requires hardware");
  }
  for (const VirtualMaker& maker : kVirtualMakers) {
    if (*vendor != maker.id) continue;
    return not_hardware(what + ", a virtual TPM (" + std::string(maker.what) +
                        "), and the policy requires hardware");
  }
  const std::string model = lower(make->model);
  for (const std::string_view word : kVirtualModels) {
    if (model.find(word) == std::string::npos) continue;
    return not_hardware(what + ", by its model a virtual TPM, and the policy requires hardware");
  }
  if (std::find(kHardwareMakers.begin(), kHardwareMakers.end(), *vendor) == kHardwareMakers.end()) {
    return not_hardware(what +
                        ", which is not known as a maker of hardware TPMs, and the policy "
                        "requires hardware");
  }
  return std::nullopt;
}

}  // namespace avouch::attest
