#pragma once

// What a boot did, as far as the quote proves it. Nothing is taken from data that no digest covers.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/reason.h"
#include "bootlog/bind.h"
#include "bootlog/variable.h"

namespace avouch::bootlog {

namespace code {
inline constexpr std::string_view kEventDigest = "BootEventDigest",
                                  kEventUnexpected = "BootEventUnexpected",
                                  kExitMissing = "BootExitMissing",
                                  kImageMissing = "BootImageMissing";
}  // namespace code

// Genuine firmware that deviates; a policy names those that it puts up with, and a verdict those
// that were needed.
namespace quirk {
// Firmware or kernel does not log the end of boot services: Linux before 5.3, logs that a boot
// loader saved. What was measured afterwards cannot be told from what was measured before.
inline constexpr std::string_view kNoExit = "no-exit-boot-services";
// shim before 15.3 logs the certificate of its own by which it accepted an image with six bytes too
// many, and measures five of them.
inline constexpr std::string_view kOldShim = "old-shim-authority";
// Firmware that ends not every PCR from 0 to 6 with a separator.
inline constexpr std::string_view kNoSeparators = "no-separators";
// Firmware that does not measure the programs that it starts. Nothing is claimed of them then.
inline constexpr std::string_view kNoBootImages = "no-boot-images";
}  // namespace quirk
std::span<const std::string_view> known_quirks();

// A variable that was measured into PCR 7; the views live as long as the log.
struct MeasuredVariable {
  std::size_t event = 0;
  bool authority = false;  // it let an image in; else it is part of the configuration
  Variable variable;
};

struct CommandLine {
  std::size_t event = 0;
  std::string text;       // printable ASCII, of the kernel
  std::size_t names = 0;  // words at its beginning that are no arguments (GrubText)
};

// More of these no boot makes: what is beyond is a problem, and bounds what a log costs.
inline constexpr std::size_t kMaxVariables = 256, kMaxCommandLines = 16, kMaxLoadOptions = 8,
                             kMaxProblems = 16;
// Of a longer one the kernel may not see the end: COMMAND_LINE_SIZE of x86 and arm64 is 2,048, less
// a NUL and "BOOT_IMAGE=", which GRUB puts before its copy.
inline constexpr std::size_t kMaxCommandLine = 2'036;

struct Meaning {
  std::vector<MeasuredVariable> variables;  // in the order of PCR 7
  std::vector<std::size_t> images;          // events whose digest is of a program (Authenticode)
  std::vector<std::size_t> files;           // events whose digest is of bytes: firmware, files
  std::vector<CommandLine> command_lines;   // every text that may have been one: judge them all
  std::vector<std::size_t> unknown_command_lines;  // may be one, and cannot be judged as one
  std::vector<std::size_t> files_or_lines;         // the same of events that are among `files` too
  std::vector<attest::Reason> problems;            // what no genuine boot does, kMaxProblems of it
  std::size_t more_problems = 0;                   // beyond those
  std::vector<std::string> quirks_used;
  bool shows_started = false;  // a program that the firmware started, in PCR 4

  const MeasuredVariable* configuration(std::string_view guid, std::string_view name) const;
};

// Problems (each with its event): data that is not what its digest is of where the profile says
// that it must be (BootEventDigest: separators, actions, PCR 7, GRUB's texts); a separator that is
// not zero, missing, or a second one; an action that is no text; in PCR 7 another type, a variable
// twice, after the separator or as an authority; anything in PCR 5 after ExitBootServices
// (BootEventUnexpected); no ExitBootServices (BootExitMissing). Only events of proven PCRs are
// looked at: which are not, state() of the log says.
//
// What a text of PCR 8 is follows from the bytes that were measured, whether or not the log has
// GRUB's prefix before them: without a NUL it is GRUB's, in UTF-16 a boot loader's of systemd.
//
// Types are not covered by a digest, so what an event is follows from its PCR, and from its data
// where that is bound. A false type can only have it judged as something that no manifest knows.
Meaning read_meaning(const BoundLog& log, std::span<const std::string> quirks);

// A reason about one event, with its place and its decoded fields.
attest::Reason about_event(const BoundLog& log, std::size_t number, std::string_view code,
                           std::string message);

}  // namespace avouch::bootlog
