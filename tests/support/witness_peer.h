#pragma once

// A witness as a log meets it: the real core with a memory that outlives nothing, behind an
// exchange that a test can break.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tlog/witness.h"
#include "tlog/witness_client.h"

namespace avouch::testing {

class MapWitnessMemory final : public tlog::WitnessMemory {
 public:
  Result<std::optional<std::string>> latest(std::string_view origin) override {
    const auto found = notes_.find(origin);
    if (found == notes_.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                       std::string_view next) override {
    AVOUCH_TRY(const std::optional<std::string> present, latest(origin));
    if (present != expected) return retryable("somebody was quicker");
    notes_[std::string(origin)] = std::string(next);
    return {};
  }
  void clear() { notes_.clear(); }

 private:
  std::map<std::string, std::string, std::less<>> notes_;
};

// Thread-safe. Knows one log, once it is told.
class WitnessPeer {
 public:
  WitnessPeer(const std::string& name, SystemTime now)
      : now_(now),
        cosigner_(
            tlog::Cosigner::make(name, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
                .value()),
        witness_(tlog::Witness::make(cosigner_, {}, memory_).value()) {}
  WitnessPeer(const std::string& name, const std::string& origin, const tlog::NoteVerifier& log_key,
              SystemTime now)
      : WitnessPeer(name, now) {
    know(origin, log_key);
  }
  WitnessPeer(const WitnessPeer&) = delete;
  WitnessPeer& operator=(const WitnessPeer&) = delete;

  void know(const std::string& origin, const tlog::NoteVerifier& log_key) {
    const std::lock_guard lock(mutex_);
    witness_ = tlog::Witness::make(cosigner_, {{origin, {log_key}}}, memory_).value();
  }

  const tlog::CosignerKey& key() const { return cosigner_.key(); }
  std::string vkey() const { return tlog::format_cosigner_vkey(cosigner_.key()); }

  tlog::WitnessReply add_checkpoint(const std::string& body) {
    const std::lock_guard lock(mutex_);
    ++questions_;
    return reply_of(witness_.add_checkpoint(body, now_));
  }
  tlog::WitnessReply checkpoint(const std::string& digest) {
    const std::lock_guard lock(mutex_);
    return reply_of(witness_.checkpoint(digest));
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    memory_.clear();
  }
  void set_time(SystemTime now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }
  int questions() const {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  static tlog::WitnessReply reply_of(const tlog::WitnessAnswer& answer) {
    const std::string_view type = answer.content_type.substr(0, answer.content_type.find(';'));
    return {answer.status, std::string(type), answer.body};
  }

  mutable std::mutex mutex_;
  SystemTime now_;
  int questions_ = 0;
  MapWitnessMemory memory_;
  tlog::Cosigner cosigner_;
  tlog::Witness witness_;
};

// Reaches the peer, unless a test says otherwise.
class PeerExchange final : public tlog::WitnessExchange {
 public:
  // What stands in the way: an answer of its own, or an error; nothing lets the question through.
  using InTheWay = std::function<std::optional<Result<tlog::WitnessReply>>(std::stop_token)>;

  explicit PeerExchange(WitnessPeer& peer, InTheWay in_the_way = {})
      : peer_(peer), in_the_way_(std::move(in_the_way)) {}

  Result<tlog::WitnessReply> add_checkpoint(const std::string& body,
                                            std::stop_token stop) override {
    if (in_the_way_) {
      if (auto answer = in_the_way_(std::move(stop))) return *std::move(answer);
    }
    return peer_.add_checkpoint(body);
  }
  Result<tlog::WitnessReply> checkpoint(const std::string& origin_digest_hex,
                                        std::stop_token) override {
    return peer_.checkpoint(origin_digest_hex);
  }

 private:
  WitnessPeer& peer_;
  const InTheWay in_the_way_;
};

}  // namespace avouch::testing
