#include "inspect/shards.h"

#include <algorithm>

#include "tlog/shard_name.h"

namespace avouch::inspect {

Result<std::vector<UnverifiedShard>> list_shards(LogAccess& log, const std::string& chain) {
  auto listed = log.shards();
  if (!listed.has_value()) {
    return with_context(std::move(listed).error(), "which logs there are cannot be told");
  }
  std::vector<UnverifiedShard> out = *std::move(listed);
  const auto begin = [&](const UnverifiedShard& shard) {
    return *tlog::begin_of(*tlog::label_of(chain, shard.origin));
  };
  std::erase_if(out, [&](const auto& each) { return !tlog::label_of(chain, each.origin); });
  std::stable_sort(out.begin(), out.end(),
                   [&](const auto& one, const auto& other) { return begin(one) < begin(other); });
  if (out.empty()) out.push_back({chain, "/log/", false});
  return out;
}

Result<std::size_t> find_shard(const std::vector<UnverifiedShard>& shards, const std::string& chain,
                               const std::string& option, const std::string& wanted) {
  const auto found = std::find_if(shards.begin(), shards.end(), [&](const auto& each) {
    return each.origin == wanted || tlog::label_of(chain, each.origin) == wanted;
  });
  if (found != shards.end()) return static_cast<std::size_t>(found - shards.begin());
  std::string known;
  for (const auto& each : shards) known += (known.empty() ? "" : ", ") + each.origin;
  return rejected(option + " " + wanted + ": there is no such log; expected one of " + known);
}

}  // namespace avouch::inspect
