#include "control/beacon_object.h"

#include <utility>

#include "codec/json.h"
#include "control/names.h"
#include "tlog/shard_name.h"

namespace avouch::control {

Result<std::optional<tlog::VerifiedCheckpoint>> BeaconObject::read() {
  known_ = false;
  const auto live = client_.get(kube::config_maps(options_.ns), options_.name);
  if (!live.has_value()) {
    if (!live.error().is_not_found()) return retryable(live.error().message);
    version_.clear();
    known_ = true;
    return std::optional<tlog::VerifiedCheckpoint>();
  }
  version_ = std::string(live->text({"metadata", "resourceVersion"}));
  known_ = true;
  auto checkpoint = tlog::verify_checkpoint(live->text({"data", "checkpoint"}), options_.log_keys,
                                            options_.origin);
  if (!checkpoint.has_value()) return std::optional<tlog::VerifiedCheckpoint>();
  return std::optional(std::move(checkpoint).value());
}

Result<void> BeaconObject::show(const std::string& next) {
  if (!known_) {
    AVOUCH_TRY(const tlog::VerifiedCheckpoint ours,
               tlog::verify_checkpoint(next, options_.log_keys, options_.origin));
    AVOUCH_TRY(const std::optional<tlog::VerifiedCheckpoint> there, read());
    const bool is_ahead = there && there->size() > ours.size();
    const bool is_other = there && there->size() == ours.size() && there->root() != ours.root();
    if (is_ahead || is_other) {
      known_ = false;
      return fatal("ConfigMap " + options_.ns + "/" + options_.name +
                   " has a checkpoint by this log's key of " + std::to_string(there->size()) +
                   " entries, which is not its own at " + std::to_string(ours.size()) +
                   ": somebody else writes this log, or it went back in time");
    }
  }
  return apply(next);
}

Result<std::optional<std::string>> beacon_shard(const kube::Client& client, const std::string& ns,
                                                const std::string& name, std::string_view chain,
                                                std::span<const tlog::NoteVerifier> keys) {
  using Label = std::optional<std::string>;
  const auto live = client.get(kube::config_maps(ns), name);
  if (!live.has_value()) {
    if (live.error().is_not_found()) return Label();
    return retryable(live.error().message);
  }
  const std::string_view note = live->text({"data", "checkpoint"});
  const auto parsed = tlog::parse_note_unverified(note);
  if (!parsed.has_value()) return Label();
  const auto claimed = tlog::parse_checkpoint_unverified(parsed->text);
  if (!claimed.has_value()) return Label();
  Label label = tlog::label_of(chain, claimed->origin);
  if (!label) return Label();
  AVOUCH_TRY(const auto named, tlog::keys_for(claimed->origin, keys));
  if (!tlog::verify_checkpoint(note, named, claimed->origin).has_value()) return Label();
  return label;
}

Result<void> BeaconObject::apply(const std::string& note) {
  codec::Json object = codec::Json::Object{
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", codec::Json::Object{{"name", options_.name}, {"namespace", options_.ns}}},
      {"data", codec::Json::Object{{"checkpoint", note}}}};
  if (!version_.empty()) object["metadata"]["resourceVersion"] = version_;
  // Whatever comes of it: unless it succeeds, what is there is not known any more.
  known_ = false;
  const auto applied = client_.apply(kube::config_maps(options_.ns), object,
                                     {.field_manager = std::string(kFieldManager), .force = true});
  if (!applied.has_value()) return retryable(applied.error().message);
  version_ = std::string(applied->text({"metadata", "resourceVersion"}));
  known_ = true;
  return {};
}

}  // namespace avouch::control
