#include "adapters/log_policy_file.h"

#include <optional>
#include <utility>

#include "adapters/files.h"
#include "base/bytes.h"

namespace avouch::adapters {

Result<LogPolicyFile> read_log_policy(const std::string& file, std::size_t max_bytes) {
  AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(file, max_bytes));
  if (!bytes) return rejected(file + ": there is no such file");
  std::string text(as_text(*bytes));
  auto policy = tlog::LogPolicy::parse(text);
  if (!policy.has_value()) return with_context(policy.error(), file);
  return LogPolicyFile{std::move(text), *std::move(policy)};
}

}  // namespace avouch::adapters
