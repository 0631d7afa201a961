#include "tlog/cosigned_notes.h"

#include <algorithm>
#include <utility>

namespace avouch::tlog {
namespace {

constexpr std::size_t kMostAsked = 8;

}  // namespace

Result<void> CosignedNotes::restore(std::string_view note, std::span<const NoteVerifier> log_keys,
                                    const Checkpoint& published, SystemTime now) {
  AVOUCH_TRY(const VerifiedCheckpoint checkpoint,
             verify_checkpoint(note, log_keys, published.origin));
  if (checkpoint.size() > published.size) {
    return rejected("it has size " + std::to_string(checkpoint.size()) + ", the log " +
                    std::to_string(published.size));
  }
  AVOUCH_TRY(const UnverifiedNote parsed, parse_note_unverified(note));
  AVOUCH_TRY(const std::vector<Cosignature> cosignatures,
             verify_cosignatures(parsed, policy_.cosigner_keys()));
  const auto seconds = policy_.quorum_time(cosignatures);
  if (!seconds) return rejected("no quorum of the witness policy has cosigned it");
  const auto by_our_clock =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::uint64_t at_most =
      by_our_clock > 0 ? static_cast<std::uint64_t>(by_our_clock) : std::uint64_t{0};
  const std::lock_guard lock(mutex_);
  witnessed_ = WitnessedNote{std::string(note), checkpoint.size(), std::min(*seconds, at_most)};
  return {};
}

void CosignedNotes::ask_for(const VerifiedCheckpoint& checkpoint) {
  const std::lock_guard lock(mutex_);
  if (!asked_.empty() && asked_.back().note == checkpoint.note()) return;
  asked_.push_back({checkpoint.note(), checkpoint.size(), {}});
  if (asked_.size() > kMostAsked) asked_.pop_front();
}

std::optional<WitnessedNote> CosignedNotes::add(const std::string& note, const CosignerKey& key,
                                                const std::string& line, std::uint64_t seconds) {
  const std::lock_guard lock(mutex_);
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& one) { return one.note == note; });
  if (asked == asked_.end()) return std::nullopt;
  const std::vector<KnownWitness>& known = policy_.witnesses();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].key.name != key.name || known[i].key.key_id != key.key_id) continue;
    Line& place = asked->lines[i];
    if (place.cosignature.seconds > seconds) continue;
    place = {line, {key.name, key.key_id, seconds}};
  }
  std::vector<Cosignature> cosignatures;
  for (const auto& [place, one] : asked->lines) cosignatures.push_back(one.cosignature);
  const auto quorum = policy_.quorum_time(cosignatures);
  if (!quorum) return std::nullopt;
  const bool is_newer = !witnessed_ || asked->size > witnessed_->size ||
                        (asked->size == witnessed_->size && *quorum >= witnessed_->seconds);
  if (!is_newer) return std::nullopt;
  witnessed_ = WitnessedNote{cosigned(*asked), asked->size, *quorum};
  return witnessed_;
}

std::string CosignedNotes::cosigned(const Asked& asked) const {
  std::string note = asked.note;
  for (const auto& [place, line] : asked.lines) note += line.text;
  return note;
}

std::string CosignedNotes::with_cosignatures(const std::string& note) const {
  const std::lock_guard lock(mutex_);
  for (auto asked = asked_.rbegin(); asked != asked_.rend(); ++asked) {
    if (asked->note == note) return cosigned(*asked);
  }
  return note;
}

std::optional<WitnessedNote> CosignedNotes::witnessed() const {
  const std::lock_guard lock(mutex_);
  return witnessed_;
}

}  // namespace avouch::tlog
