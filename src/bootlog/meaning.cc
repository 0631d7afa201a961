#include "bootlog/meaning.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/grub_text.h"
#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

constexpr std::array<std::string_view, 4> kQuirks = {quirk::kNoExit, quirk::kOldShim,
                                                     quirk::kNoSeparators, quirk::kNoBootImages};
constexpr std::string_view kExitInvocation = "Exit Boot Services Invocation",
                           kExitFailed = "Exit Boot Services Returned with Failure",
                           kExitDone = "Exit Boot Services Returned with Success";
constexpr std::uint32_t kLoadOptionsTag = 0x8f3b22ed;  // Linux, drivers/firmware/efi/libstub
constexpr unsigned kLastFirmwarePcr = 7, kLastLoaderPcr = 9;
constexpr unsigned kExitPcr = 5, kShimPcr = 14;

constexpr std::size_t kMaxAction = 256;  // bytes; real ones have at most 60

bool is_printable(ByteView text) {
  return std::all_of(text.begin(), text.end(),
                     [](std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; });
}

// The characters of such a text: ASCII, with or without a NUL at its end, or UTF-16.
std::string spelt_out(ByteView text) {
  const ByteView without_nul =
      !text.empty() && text.back() == 0 ? text.first(text.size() - 1) : text;
  if (is_printable(without_nul)) return std::string(as_text(without_nul));
  return utf16_text(text).value_or(std::string());
}

// A text of firmware: ASCII, or UTF-16. No program and no file that matters is one.
bool is_short_text(ByteView data) {
  if (data.size() > kMaxAction) return false;
  if (!data.empty() && data.back() == 0 && is_printable(data.first(data.size() - 1))) return true;
  if (is_printable(data)) return true;
  const auto wide = utf16_text(data);
  return wide && is_printable(as_bytes(*wide));
}

bool is_configuration_name(const Variable& variable) {
  constexpr std::array<std::string_view, 6> kGlobal = {"SecureBoot", "PK",        "KEK",
                                                       "SetupMode",  "AuditMode", "DeployedMode"};
  if (variable.guid == kGlobalGuid) {
    return std::find(kGlobal.begin(), kGlobal.end(), variable.name) != kGlobal.end();
  }
  return variable.guid == kSecurityDatabaseGuid && variable.name == "dbx";
}

class Reading {
 public:
  Reading(const BoundLog& log, std::span<const std::string> quirks) : log_(log), quirks_(quirks) {}

  Meaning run() {
    const auto& events = log_.log().events();
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (log_.is_proven(events[i])) take(i, events[i]);
    }
    match_load_options();
    check_separators();
    check_exit();
    check_started();
    return std::move(out_);
  }

 private:
  void problem(std::size_t number, std::string_view code, std::string message) {
    if (has_room()) out_.problems.push_back(about_event(log_, number, code, std::move(message)));
  }
  void problem(std::string_view code, std::string message) {
    if (has_room()) out_.problems.push_back(attest::refuse(code, std::move(message)));
  }
  bool has_room() {
    if (out_.problems.size() < kMaxProblems) return true;
    ++out_.more_problems;
    return false;
  }
  bool allows(std::string_view quirk) {
    if (std::find(quirks_.begin(), quirks_.end(), quirk) == quirks_.end()) return false;
    auto& used = out_.quirks_used;
    if (std::find(used.begin(), used.end(), quirk) == used.end()) used.emplace_back(quirk);
    return true;
  }
  bool is_bound(std::size_t number) const { return log_.binding(number) != Binding::kNone; }

  void take(std::size_t number, const Event& event) {
    if (event.pcr == kExitPcr) {
      note_exit(number, event);
    } else if (exited_ && event.type != kNoAction &&
               (event.pcr <= kLastLoaderPcr || event.pcr == kShimPcr)) {
      problem(
          number, code::kEventUnexpected,
          "measured after ExitBootServices, when neither firmware nor boot loader runs any more");
    }
    if (event.type == kSeparator) return take_separator(number, event);
    const bool action = event.type == kAction || event.type == kEfiAction;
    if (action && event.pcr <= kLastFirmwarePcr) take_action(number, event);
    // Where firmware measures itself it is to be known, as what an event is called is not proven.
    if (action && event.pcr <= kLastFirmwarePcr && event.pcr != 0 && event.pcr != 2) return;
    switch (event.pcr) {
      case 2:
        if (event.type == kBootServicesDriver || event.type == kRuntimeServicesDriver ||
            event.type == kBootServicesApplication) {
          out_.images.push_back(number);
        } else {
          out_.files.push_back(number);
        }
        break;
      case 4:
        if (!is_bound(number) || !is_short_text(log_.proven_data(number))) {
          out_.images.push_back(number);
          out_.shows_started = true;
        }
        break;
      case 7:
        take_variable(number, event);
        break;
      case 8:
        take_text(number);
        break;
      case 12:
        take_of_stub(number);
        break;
      case 9:
        take_file_of_loader(number, event);
        break;
      case 0:
      case 13:  // systemd-stub: extensions of the system
      case 14:
        out_.files.push_back(number);
        break;
      default:
        break;  // configuration of the machine, or of whatever extends the PCR
    }
  }

  void take_separator(std::size_t number, const Event& event) {
    if (log_.binding(number) != Binding::kData) {
      return problem(number, code::kEventDigest, "the separator's digest is not of its data");
    }
    const ByteView value = log_.proven_data(number);
    const bool zero = value.size() == 4 && std::all_of(value.begin(), value.end(),
                                                       [](std::uint8_t b) { return b == 0; });
    if (event.pcr > kLastFirmwarePcr) {
      if (!zero && as_text(value) != "WBCL") {
        problem(number, code::kEventUnexpected, "a separator that is neither zero nor WBCL");
      }
      return;
    }
    if (!zero) {
      problem(number, code::kEventUnexpected,
              "the separator is not zero: the firmware met an error before it started the boot "
              "loader");
    }
    if (separators_.at(event.pcr)) {
      problem(number, code::kEventUnexpected,
              "a second separator in PCR " + std::to_string(event.pcr));
    }
    separators_.at(event.pcr) = true;
  }

  void take_action(std::size_t number, const Event& event) {
    if (!is_bound(number)) {
      return problem(number, code::kEventDigest, "the action's digest is not of its text");
    }
    const ByteView text = log_.proven_data(number);
    if (!is_short_text(text)) {
      return problem(number, code::kEventUnexpected,
                     "an action that is no text: another event under a false type");
    }
    if (event.pcr == 7 && spelt_out(text) == "UEFI Debug Mode") {
      problem(number, code::kEventUnexpected, "a debugger of the firmware is enabled");
    }
  }

  void take_variable(std::size_t number, const Event& event) {
    const bool authority = event.type == kVariableAuthority || event.type == kSpdmDeviceAuthority;
    if (!authority && event.type != kVariableDriverConfig && event.type != kSpdmDevicePolicy) {
      return problem(number, code::kEventUnexpected,
                     "in PCR 7 only variables, authorities and separators are measured");
    }
    if (authority && log_.binding(number) == Binding::kOldShim) {
      return take_old_shim(number, event);
    }
    auto variable = parse_variable(log_.log().data(event));
    if (!variable.has_value()) {
      return problem(number, code::kEventUnexpected,
                     "is not a UEFI variable: " + variable.error().message);
    }
    if (log_.binding(number) != Binding::kData) {
      return problem(number, code::kEventDigest,
                     "the digest is not of the variable's data: the data was changed, or logged "
                     "other than measured");
    }
    if (authority && is_configuration_name(*variable)) {
      problem(number, code::kEventUnexpected,
              "a variable of the configuration under the type of an authority");
    }
    if (!authority) {
      if (separators_[7]) {
        problem(number, code::kEventUnexpected,
                "a variable of the configuration after the separator of PCR 7");
      }
      if (out_.configuration(variable->guid, variable->name) != nullptr) {
        problem(number, code::kEventUnexpected,
                "variable \"" + printable(variable->name, 64) + "\" is measured twice");
      }
    }
    add_variable({number, authority, *std::move(variable)});
  }

  void take_old_shim(std::size_t number, const Event& event) {
    auto variable = parse_old_shim_authority(log_.log().data(event));
    if (!variable || !allows(quirk::kOldShim)) {
      return problem(number, code::kEventUnexpected,
                     "an authority as shim before 15.3 logs it, with six bytes too many: update "
                     "shim; the quirk " +
                         std::string(quirk::kOldShim) + " puts up with it");
    }
    add_variable({number, true, *std::move(variable)});
  }

  void add_variable(MeasuredVariable variable) {
    if (out_.variables.size() < kMaxVariables) {
      out_.variables.push_back(std::move(variable));
    } else {
      problem(variable.event, code::kEventUnexpected,
              "PCR 7 has more than " + std::to_string(kMaxVariables) + " variables");
    }
  }

  // PCR 8: what GRUB ran, or the command line as systemd-boot measured it before 250.
  void take_text(std::size_t number) {
    if (!is_bound(number)) {
      return problem(number, code::kEventDigest,
                     "the digest is not of the text, which therefore proves nothing");
    }
    const std::string_view text = as_text(log_.proven_data(number));
    const bool has_prefix = log_.binding(number) == Binding::kNoPrefix;
    if (text.find('\0') == std::string_view::npos) return take_grub_text(number, text, has_prefix);
    const auto wide = has_prefix ? std::nullopt : wide_text(number);
    if (!wide || !add_command_line(number, *wide)) out_.unknown_command_lines.push_back(number);
  }

  void take_grub_text(std::size_t number, std::string_view text, bool has_prefix) {
    const GrubText read = read_grub_text(text);
    if (read.unproves) {
      problem(number, code::kEventUnexpected,
              "GRUB ran a command after which it measures no more, or that writes to memory, "
              "devices or the firmware's tables: take it out of the boot loader's configuration");
    }
    if (has_prefix && !read.kernels) return;
    const bool is_line =
        !read.is_ambiguous && add_command_line(number, read.kernels.value_or(text),
                                               read.kernels ? read.names : kOnlyNames);
    if (!is_line) out_.unknown_command_lines.push_back(number);
  }

  // PCR 12, systemd-stub's: command lines in UTF-16; the number of a profile; credentials and
  // extensions, which the log describes, but may as well show.
  void take_of_stub(std::size_t number) {
    const auto text = is_bound(number) ? line_of_stub(number) : std::nullopt;
    if (text && add_command_line(number, *text)) return;
    out_.files.push_back(number);
    out_.files_or_lines.push_back(number);
  }
  std::optional<std::string> line_of_stub(std::size_t number) const {
    const ByteView data = log_.proven_data(number);
    const auto text =
        is_printable(data) ? std::optional(std::string(as_text(data))) : wide_text(number);
    const bool is_profile = text && std::all_of(text->begin(), text->end(),
                                                [](char c) { return c >= '0' && c <= '9'; });
    return is_profile ? std::nullopt : text;
  }

  std::optional<std::string> wide_text(std::size_t number) const {
    const ByteView data = log_.proven_data(number);
    if (data.size() > 2 * kMaxCommandLine + 2) return std::nullopt;
    Bytes wide(data.begin(), data.end());
    if (log_.binding(number) == Binding::kNulAdded) wide.push_back(0);
    return utf16_text(wide);
  }

  // Expressions see printable ASCII or nothing: what they cannot read, they cannot forbid.
  bool add_command_line(std::size_t number, std::string_view text, std::size_t names = 0) {
    const bool readable = text.size() <= kMaxCommandLine && is_printable(as_bytes(text));
    if (!readable || out_.command_lines.size() >= kMaxCommandLines) return false;
    out_.command_lines.push_back({number, std::string(text), names});
    return true;
  }

  void take_file_of_loader(std::size_t number, const Event& event) {
    const ByteView data = log_.log().data(event);
    ByteReader reader(data);
    const auto tag = reader.le32("tag");
    const bool options = event.type == kEventTag && tag.has_value() && *tag == kLoadOptionsTag;
    if (options && load_options_.size() < kMaxLoadOptions) {
      load_options_.push_back(number);
    } else {
      out_.files.push_back(number);
      if (options) out_.files_or_lines.push_back(number);
    }
  }

  // The kernel's EFI stub hashes the command line that it was given, in UTF-16. What is the hash of
  // no command line that is known may be that of anything: a file under a false type.
  void match_load_options() {
    for (const std::size_t number : load_options_) {
      const Event& event = log_.log().events()[number];
      const bool known =
          std::any_of(out_.command_lines.begin(), out_.command_lines.end(), [&](const auto& line) {
            const bool of_grub = line.names > 0;  // which alone puts that before the file's name
            return hashes(event, line.text) ||
                   (of_grub && hashes(event, "BOOT_IMAGE=" + line.text));
          });
      if (known) continue;
      out_.files.push_back(number);
      out_.files_or_lines.push_back(number);
    }
  }
  bool hashes(const Event& event, const std::string& text) const {
    Bytes wide = to_utf16(text);
    if (log_.is_digest_of(event, wide)) return true;
    append(wide, Bytes{0, 0});
    return log_.is_digest_of(event, wide);
  }

  void note_exit(std::size_t number, const Event& event) {
    const std::string_view text = is_bound(number) ? as_text(log_.proven_data(number)) : "";
    const bool exits = (event.type == kEfiAction || event.type == kAction) &&
                       (text == kExitInvocation || text == kExitFailed || text == kExitDone);
    if (!exits && exiting_) {
      problem(number, code::kEventUnexpected,
              "measured into PCR 5 after ExitBootServices, when no boot loader runs any more");
    }
    if (exits && exited_) {
      problem(number, code::kEventUnexpected, "ExitBootServices had been left before");
    }
    if (!exits) return;
    exiting_ = true;
    exited_ = exited_ || text == kExitDone;
  }

  void check_exit() {
    if (exited_ || !log_.is_proven(5) || allows(quirk::kNoExit)) return;
    problem(code::kExitMissing,
            "the log does not say that boot services ended (\"" + std::string(kExitDone) +
                "\" in PCR 5): it is cut off, or the kernel is older than Linux 5.3; the quirk " +
                std::string(quirk::kNoExit) + " puts up with it");
  }

  void check_started() {
    if (out_.shows_started || !log_.is_proven(4) || allows(quirk::kNoBootImages)) return;
    problem(code::kImageMissing,
            "no program is measured into PCR 4, so nothing says what the firmware started; the "
            "quirk " +
                std::string(quirk::kNoBootImages) + " puts up with it");
  }

  void check_separators() {
    for (unsigned pcr = 0; pcr <= kLastFirmwarePcr; ++pcr) {
      if (separators_.at(pcr) || !log_.is_proven(pcr)) continue;
      if (pcr < kLastFirmwarePcr && allows(quirk::kNoSeparators)) continue;
      problem(code::kEventUnexpected,
              "PCR " + std::to_string(pcr) +
                  " has no separator, with which the firmware ends its part" +
                  (pcr < kLastFirmwarePcr
                       ? "; the quirk " + std::string(quirk::kNoSeparators) + " puts up with it"
                       : std::string()));
    }
  }

  const BoundLog& log_;
  std::span<const std::string> quirks_;
  Meaning out_;
  std::array<bool, kLastFirmwarePcr + 1> separators_{};
  std::vector<std::size_t> load_options_;
  bool exiting_ = false, exited_ = false;
};

}  // namespace

std::span<const std::string_view> known_quirks() { return kQuirks; }

const MeasuredVariable* Meaning::configuration(std::string_view guid, std::string_view name) const {
  const auto found = std::find_if(variables.begin(), variables.end(), [&](const auto& each) {
    return !each.authority && each.variable.guid == guid && each.variable.name == name;
  });
  return found == variables.end() ? nullptr : &*found;
}

Meaning read_meaning(const BoundLog& log, std::span<const std::string> quirks) {
  return Reading(log, quirks).run();
}

attest::Reason about_event(const BoundLog& log, std::size_t number, std::string_view code,
                           std::string message) {
  const Event& event = log.log().events()[number];
  attest::Reason out = attest::refuse(
      code, "boot log, event " + std::to_string(number) + " (PCR " + std::to_string(event.pcr) +
                ", " + event_type_name(event.type) + "): " + std::move(message));
  out.event = attest::EventPlace{event.pcr, static_cast<std::uint32_t>(number)};
  out.fields = describe(log.log(), event);
  return out;
}

}  // namespace avouch::bootlog
