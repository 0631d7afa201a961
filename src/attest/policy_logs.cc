#include "attest/policy_logs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/utf8.h"

namespace avouch::attest {
namespace {

using codec::Fields;
using codec::Pattern;

constexpr std::size_t kMaxNames = 64;
constexpr std::size_t kMaxPatterns = 64;

std::string element(std::string_view list, std::size_t i) {
  return std::string(list) + "[" + std::to_string(i) + "]";
}

// A list of objects {name: ...}: ReferenceManifests.
std::vector<std::string> read_names(Fields& fields, std::string_view list) {
  std::vector<std::string> out;
  for (Fields& each : fields.objects(list, kMaxNames)) {
    std::string name = each.required_string("name", 253);
    if (std::find(out.begin(), out.end(), name) != out.end()) {
      each.error("name", "\"" + name + "\" is given twice");
    }
    out.push_back(std::move(name));
    each.finish();
  }
  return out;
}

template <typename Expression = Pattern>
std::vector<Expression> read_patterns(Fields& fields, std::string_view list) {
  std::vector<Expression> out;
  const auto texts = fields.strings(list, kMaxPatterns, Pattern::kMaxBytes);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto pattern = Expression::compile(texts[i]);
    if (!pattern.has_value()) {
      fields.error(element(list, i), pattern.error().message);
    } else {
      out.push_back(std::move(pattern).value());
    }
  }
  return out;
}

// Arguments, and whole lines, that nobody chose: an expression that takes one takes what it likes.
std::vector<std::string> unchosen() {
  std::vector<std::string> out = {"q7vx0kzw", "m3t9=hj", "q7vx0kzw m3t9=hj", "/q7vx-0 kzw=/m3t9 hj",
                                  "(hd7)/q7vx-0 kzw=/m3t9 hj"};
  constexpr std::array<std::size_t, 14> kSizes = {17, 27,  37,  47,  57,  67,  77,
                                                  97, 127, 180, 300, 500, 800, 1'200};
  std::string line = "/q7vx-0";
  for (const std::size_t size : kSizes) {  // RE2 counts to 1,000
    while (line.size() < size) line += " kzw=/m3t9";
    out.push_back(line);
  }
  return out;
}

void refuse_what_takes_anything(Fields& fields, const std::vector<Pattern>& required) {
  static const std::vector<std::string> kUnchosen = unchosen();
  for (std::size_t i = 0; i < required.size(); ++i) {
    const auto taken =
        std::find_if(kUnchosen.begin(), kUnchosen.end(),
                     [&](const std::string& each) { return required[i].matches(each); });
    if (taken == kUnchosen.end()) continue;
    fields.error(element("required", i), "\"" + required[i].text() +
                                             "\" is satisfied by anything at all, such as " +
                                             codec::in_quotes(*taken, 40) +
                                             ": expected one that names what the line must have");
  }
}

std::vector<std::string> read_expressions(Fields& fields, std::string_view list) {
  std::vector<std::string> out;
  for (const Pattern& pattern : read_patterns(fields, list)) out.push_back(pattern.text());
  return out;
}

void read_allowed(Fields& runtime, RuntimeSpec& out) {
  const auto names = runtime.strings("allow", 8, 32);
  for (std::size_t i = 0; i < names.size(); ++i) {
    bool* flag = names[i] == "LegacyTemplate" ? &out.allow_legacy_template
                 : names[i] == "WeakReplay"   ? &out.allow_weak_replay
                 : names[i] == "SecondBoot"   ? &out.allow_second_boot
                                              : nullptr;
    if (flag == nullptr) {
      runtime.error(
          element("allow", i),
          "\"" + names[i] + "\" is not known: expected LegacyTemplate, WeakReplay or SecondBoot");
    } else if (*flag) {
      runtime.error(element("allow", i), "\"" + names[i] + "\" is given twice");
    } else {
      *flag = true;
    }
  }
}

// Arguments with which the kernel measures no file.
constexpr std::array<std::string_view, 8> kWithoutMeasuring = {"",
                                                               "quiet",
                                                               "ima_policy=",
                                                               "ima_policy=appraise_tcb",
                                                               "ima_policy=critical_data",
                                                               "ima_policy=fail_securely",
                                                               "ima_policy=secure_boot",
                                                               "ima_appraise_tcb"};

bool demands_measuring(const Pattern& required) {
  return required.text().find("tcb") != std::string::npos &&
         std::none_of(kWithoutMeasuring.begin(), kWithoutMeasuring.end(),
                      [&](std::string_view argument) { return required.matches(argument); });
}

}  // namespace

std::optional<BootLogSpec> read_boot_log(Fields& fields) {
  auto boot_log = fields.object("bootLog");
  if (!boot_log) return std::nullopt;
  BootLogSpec out;
  if (boot_log->one_of("secureBoot", {"Required", "Optional"}) == "Optional") {
    out.secure_boot = SecureBoot::kOptional;
  }
  out.references = read_names(*boot_log, "references");
  boot_log->refuse_empty("references");
  if (auto line = boot_log->object("kernelCommandLine")) {
    out.command_line_required = read_patterns(*line, "required");
    refuse_what_takes_anything(*line, out.command_line_required);
    out.command_line_forbidden = read_patterns<codec::KernelPattern>(*line, "forbidden");
    line->refuse_empty("required");
    line->refuse_empty("forbidden");
    const bool asks = line->has("required") || line->has("forbidden");
    line->finish();
    if (!asks) {
      boot_log->error("kernelCommandLine", "asks for nothing: expected required or forbidden");
    }
  }
  out.quirks = boot_log->strings("quirks", kMaxNames, 64);
  boot_log->finish();
  return out;
}

std::optional<RuntimeSpec> read_runtime(Fields& fields) {
  auto runtime = fields.object("runtime");
  if (!runtime) return std::nullopt;
  RuntimeSpec out;
  if (runtime->one_of("files", {"Judge", "ReplayOnly"}) == "ReplayOnly") {
    out.files = RuntimeFiles::kReplayOnly;
  }
  out.references = read_names(*runtime, "references");
  out.keyrings = read_names(*runtime, "keyrings");
  out.exclude = read_expressions(*runtime, "exclude");
  out.buffers = read_expressions(*runtime, "buffers");
  if (runtime->one_of("violations", {"Deny", "Record"}) == "Record") {
    out.violations = RuntimeViolations::kRecord;
  }
  read_allowed(*runtime, out);
  if (out.files == RuntimeFiles::kJudge && out.references.empty() && out.keyrings.empty()) {
    runtime->error("references",
                   "files are judged by nothing: expected a ReferenceManifest here or in "
                   "keyrings, or files: ReplayOnly");
  }
  if (out.files == RuntimeFiles::kReplayOnly) {
    for (const auto& [name, given] :
         {std::pair{"exclude", !out.exclude.empty()}, std::pair{"buffers", !out.buffers.empty()}}) {
      if (given) {
        runtime->error(name, "counts for nothing with files: ReplayOnly: leave one of them out");
      }
    }
  }
  runtime->finish();
  return out;
}

bool checks_something(const BootLogSpec& spec) {
  return spec.secure_boot == SecureBoot::kRequired || !spec.references.empty() ||
         !spec.command_line_required.empty() || !spec.command_line_forbidden.empty();
}

bool checks_something(const RuntimeSpec& spec) { return spec.files == RuntimeFiles::kJudge; }

bool requires_measuring(const PolicySpec& spec) {
  if (!spec.boot_log) return false;
  const std::vector<Pattern>& required = spec.boot_log->command_line_required;
  return std::any_of(required.begin(), required.end(), demands_measuring);
}

}  // namespace avouch::attest
