#include "adapters/golden_folder.h"

#include <initializer_list>
#include <utility>

#include "adapters/case_folder.h"
#include "adapters/files.h"
#include "appraisal/stored_case.h"

namespace avouch::adapters {
namespace {

namespace fs = std::filesystem;

// The first of the names that is there.
Result<Bytes> read_first(const fs::path& folder, std::initializer_list<const char*> names,
                         std::size_t max_bytes) {
  for (const char* name : names) {
    AVOUCH_TRY(std::optional<Bytes> bytes, read_file(folder / name, max_bytes));
    if (bytes) return *std::move(bytes);
  }
  return Bytes{};
}

// Both kinds of log begin with a PCR: a runtime log with 10, whose next 20 bytes are a digest and
// then the length of a short name; a boot log with another.
bool is_runtime_log(ByteView bytes) {
  ByteReader reader(bytes);
  const auto pcr = reader.le32("PCR");
  return pcr.has_value() && *pcr == 10;
}

}  // namespace

Result<provision::Draft> draft_from_path(const fs::path& path,
                                         std::span<const crypto::Certificate> signers,
                                         SystemTime now) {
  std::error_code failed;
  const auto with_path = [&](Result<provision::Draft> draft) -> Result<provision::Draft> {
    if (!draft.has_value()) return with_context(draft.error(), path.string());
    return draft;
  };
  if (!fs::is_directory(path, failed)) {
    AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(path, appraisal::kMaxRuntimeLogBytes));
    if (!bytes) return rejected(path.string() + ": there is no such file or folder");
    provision::GoldenLogs logs;
    (is_runtime_log(*bytes) ? logs.runtime_log : logs.boot_log) = *bytes;
    return with_path(provision::draft_from_logs(logs, signers));
  }
  if (fs::exists(path / "meta.json", failed)) {
    CaseFolder folder(path);
    auto stored = appraisal::read_case(folder);
    if (!stored.has_value()) return with_context(stored.error(), path.string());
    return with_path(provision::draft_from_case(*stored, signers, now));
  }
  AVOUCH_TRY(const Bytes boot, read_first(path, {"binary_bios_measurements", "eventlog.bin"},
                                          appraisal::kMaxBootLogBytes));
  AVOUCH_TRY(const Bytes runtime, read_first(path, {"binary_runtime_measurements", "ima.bin"},
                                             appraisal::kMaxRuntimeLogBytes));
  if (boot.empty() && runtime.empty()) {
    return rejected(path.string() +
                    ": holds neither meta.json (a stored case) nor binary_bios_measurements or "
                    "binary_runtime_measurements");
  }
  return with_path(provision::draft_from_logs({.boot_log = boot, .runtime_log = runtime}, signers));
}

}  // namespace avouch::adapters
