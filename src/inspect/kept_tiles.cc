#include "inspect/kept_tiles.h"

#include "tlog/tile.h"

namespace avouch::inspect {

Result<std::optional<Bytes>> KeptTiles::fetch(std::string_view path) {
  if (!path.starts_with("tile/") || path.starts_with("tile/entries/")) return log_.fetch(path);
  const auto found = kept_.find(path);
  if (found != kept_.end()) return found->second;
  AVOUCH_TRY(std::optional<Bytes> bytes, log_.fetch(path));
  const bool is_part = path.find(".p/") != std::string_view::npos;
  if (bytes ? bytes->size() > tlog::kTileWidth * tlog::kHashBytes : !is_part) return bytes;
  if (order_.size() == kMost) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
  order_.emplace_back(path);
  kept_.emplace(std::string(path), bytes);
  return bytes;
}

}  // namespace avouch::inspect
