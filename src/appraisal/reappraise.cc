#include "appraisal/reappraise.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "appraisal/appraise.h"
#include "appraisal/policy_in_force.h"
#include "appraisal/stored_case.h"
#include "attest/quote.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "reference/digest_list.h"

namespace avouch::appraisal {
namespace {

using attest::Checked;
using attest::Reason;
using codec::Json;

constexpr std::size_t kMaxObjectBytes = 16 * 1024 * 1024;
// So many reason codes a verdict keeps of itself (control/verdict_state.h): of more, the first.
constexpr std::size_t kKeptReasons = 16;

// How far from the token's time what went into it may have been judged. A controller judges
// certificates again after half a day, and looks at least hourly whether a manifest has begun or
// ended (control/node_table.h, operator/leader_work.cc); tokens run a minute ahead at most.
constexpr std::chrono::hours kLongestEndorsed{24}, kLongestUnseen{2};
constexpr std::chrono::minutes kAhead{1};

// By their content; one set for all policies that name it.
using RecordedLists = std::map<crypto::Sha256, std::shared_ptr<const reference::DigestSet>>;

// The objects of one policy, read beforehand: the verifier asks for them by name.
class RecordedMaterial final : public Material {
 public:
  RecordedMaterial(const RecordedLists& lists, const std::vector<crypto::Sha256>& recorded)
      : lists_(lists), recorded_(recorded) {}

  void add(const std::string& name, Bytes bytes) { objects_[name] = std::move(bytes); }

  Result<ConfigMapData> config_map(const attest::ConfigMapName& name) override {
    const auto found = objects_.find("ConfigMap/" + name.ns + "/" + name.name);
    if (found == objects_.end()) return rejected("does not exist");
    return parse_config_map_object(found->second);
  }
  Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) override {
    const auto found = objects_.find("ReferenceManifest/" + name);
    if (found == objects_.end()) return rejected("does not exist, or could not be read");
    AVOUCH_TRY(const Json spec, codec::parse_json(as_text(found->second)));
    return reference::parse_manifest(name, spec);
  }
  Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) override {
    const auto* name = std::get_if<attest::ConfigMapName>(&source);
    if (name == nullptr) return stored_list(std::get<crypto::Sha256>(source));
    AVOUCH_TRY(const ConfigMapData data, config_map(*name));
    AVOUCH_TRY(const reference::DigestList list, reference::read_digest_lists(data));
    return list.set;
  }

  // Lists that its manifests name and the record does not: they could not be used then, or the
  // record comes from a version that kept no lists.
  const std::set<crypto::Sha256>& unrecorded() const { return unrecorded_; }

 private:
  Result<std::shared_ptr<const reference::DigestSet>> stored_list(const crypto::Sha256& content) {
    const bool is_recorded =
        std::find(recorded_.begin(), recorded_.end(), content) != recorded_.end();
    if (const auto found = lists_.find(content); is_recorded && found != lists_.end()) {
      return found->second;
    }
    unrecorded_.insert(content);
    return rejected("digest list " + attest::digest_text(content) + " is not part of the record");
  }

  const RecordedLists& lists_;
  const std::vector<crypto::Sha256>& recorded_;
  std::map<std::string, Bytes> objects_;
  std::set<crypto::Sha256> unrecorded_;
};

class Reappraiser {
 public:
  Reappraiser(const StoredRecord& stored, const attest::TokenClaims& claims, RecordObjects& objects)
      : stored_(stored), claims_(claims), objects_(objects) {}

  Result<Reappraisal> run() {
    AVOUCH_CHECK(read_evidence());
    AVOUCH_CHECK(read_policies());
    if (!out_.missing.empty() || !out_.foreign.empty()) return std::move(out_);
    check_times();
    if (!out_.foreign.empty()) return std::move(out_);
    AVOUCH_CHECK(judge());
    return std::move(out_);
  }

 private:
  void foreign(std::string text) { out_.foreign.push_back(std::move(text)); }

  // The object, if it is there and whole; `what` names it for people.
  Result<std::optional<Bytes>> object(const crypto::Sha256& digest, const std::string& what,
                                      std::size_t max_bytes = kMaxObjectBytes) {
    const std::string named = what + " " + attest::digest_text(digest);
    AVOUCH_TRY(std::optional<Bytes> bytes, objects_.read(digest, max_bytes));
    if (!bytes) {
      out_.missing.push_back(named + " is not kept any more");
      return std::optional<Bytes>();
    }
    if (crypto::sha256(*bytes) != digest) {
      out_.missing.push_back(named + " has other bytes than those of its digest");
      return std::optional<Bytes>();
    }
    out_.inputs.push_back(named + ", " + std::to_string(bytes->size()) + " bytes");
    return bytes;
  }

  Result<void> read_evidence() {
    AVOUCH_TRY(const auto identity, object(stored_.identity, "the node's keys and certificates"));
    AVOUCH_TRY(const auto pcrs, object(stored_.pcrs, "the PCR values"));
    if (!identity || !pcrs) return {};
    auto complete = complete_record(stored_, *identity, *pcrs);
    if (!complete.has_value()) {
      foreign(complete.error().message);
      return {};
    }
    record_ = *std::move(complete);
    if (record_->node_name != claims_.node_name || record_->evidence.node_uid != claims_.node_uid) {
      foreign("the record is of node \"" + record_->node_name + "\" with UID " +
              record_->evidence.node_uid + ", the token of \"" + claims_.node_name +
              "\" with UID " + claims_.node_uid);
    }
    if (!record_->evidence.quote) {
      foreign("the record has no quote");
    } else if (claims_.quote != attest::quote_digest(*record_->evidence.quote)) {
      foreign("the recorded quote is not the one that the token names");
    }
    const bool same_boot_log =
        !claims_.boot_log || (record_->boot_log && record_->boot_log->digest == *claims_.boot_log);
    if (!same_boot_log) foreign("the recorded boot log is not the one that the token names");
    const bool same_runtime_log =
        !claims_.runtime_log ||
        (record_->runtime_log && record_->runtime_log->digest == *claims_.runtime_log);
    if (!same_runtime_log) foreign("the recorded runtime log is not the one that the token names");
    return read_logs();
  }

  bool uses(LogUse PolicyUsed::*log, LogUse::Kind kind) const {
    return std::any_of(record_->policies.begin(), record_->policies.end(),
                       [&](const PolicyUsed& policy) { return (policy.*log).kind == kind; });
  }

  Result<void> read_logs() {
    const bool judged = uses(&PolicyUsed::boot, LogUse::Kind::kJudged);
    if (judged && !record_->boot_log) {
      foreign("the record names no boot log, although one was judged");
    } else if (judged) {
      AVOUCH_TRY(boot_log_, object(record_->boot_log->digest, "the boot log", kMaxBootLogBytes));
    } else if (record_->boot_log) {  // refused: perhaps because it could not be read
      AVOUCH_TRY(boot_log_, objects_.read(record_->boot_log->digest, kMaxBootLogBytes));
      if (boot_log_ && crypto::sha256(*boot_log_) != record_->boot_log->digest) boot_log_.reset();
    }
    if (!uses(&PolicyUsed::runtime, LogUse::Kind::kJudged)) return {};
    if (!record_->runtime_log) {
      foreign("the record names no runtime log, although one was judged");
      return {};
    }
    AVOUCH_TRY(runtime_log_, object(record_->runtime_log->digest, "the runtime log's proven part",
                                    kMaxRuntimeLogBytes));
    return {};
  }

  Result<void> read_policies() {
    const auto& used = stored_.record.policies;
    const bool same = std::equal(
        used.begin(), used.end(), claims_.policies.begin(), claims_.policies.end(),
        [](const PolicyUsed& a, const attest::TokenPolicy& b) {
          return a.name == b.name && a.spec_digest == b.spec_digest && a.digest == b.digest;
        });
    if (!same) {
      foreign("the recorded policies are not those that the token names");
      return {};
    }
    for (const PolicyUsed& policy : used) AVOUCH_CHECK(read_policy(policy));
    return {};
  }

  // Nothing signs the times of a record: each must be one that the token can have.
  void check_times() {
    check_time("the beacon's publication", record_->beacon_published, attest::kMaxTokenLife);
    for (std::size_t i = 0; i < policies_.size(); ++i) {
      const PolicyUsed& used = record_->policies.at(i);
      const std::string of = " of policy \"" + used.name + "\"";
      check_time("the time at which certificates were judged" + of, used.endorsed_at,
                 kLongestEndorsed);
      const auto changes = policies_[i].changes_at;
      const bool was_seen = !changes || claims_.issued_at < *changes + kLongestUnseen;
      if (used.resolved_at <= claims_.issued_at + kAhead && was_seen) continue;
      foreign("the time at which manifests were in force" + of + " is " +
              to_rfc3339(used.resolved_at) + ", and the token's " + to_rfc3339(claims_.issued_at) +
              (was_seen ? "" : ": in between one began or ended"));
    }
  }
  void check_time(const std::string& what, SystemTime at, std::chrono::milliseconds longest) {
    if (at <= claims_.issued_at + kAhead && at + longest >= claims_.issued_at) return;
    foreign(what + " is " + to_rfc3339(at) + ", which does not fit the token's, " +
            to_rfc3339(claims_.issued_at));
  }

  Result<void> read_lists(const PolicyUsed& used, const std::string& of) {
    for (const crypto::Sha256& digest : used.lists) {
      if (lists_.contains(digest)) continue;
      const std::string what = "the digest list";
      AVOUCH_TRY(const auto bytes, object(digest, what + of, reference::DigestListLimits().bytes));
      if (!bytes) continue;
      auto list = reference::read_digest_list(*bytes);
      if (!list.has_value()) {
        foreign(what + of + " " + attest::digest_text(digest) + ": " + list.error().message);
        continue;
      }
      lists_.emplace(digest, list->set);
    }
    return {};
  }

  Result<void> read_policy(const PolicyUsed& used) {
    const std::string of = " of policy \"" + used.name + "\"";
    AVOUCH_TRY(const auto spec, object(used.spec_digest, "the spec" + of));
    AVOUCH_CHECK(read_lists(used, of));
    RecordedMaterial material(lists_, used.lists);
    for (const attest::Reference& each : used.references) {
      if (!is_kept(each)) continue;
      AVOUCH_TRY(auto bytes, object(each.content, each.name + of));
      if (bytes) material.add(each.name, *std::move(bytes));
    }
    if (!spec || !out_.missing.empty()) return {};
    const auto json = codec::parse_json(as_text(*spec));
    if (!json.has_value()) {
      foreign("the spec" + of + ": " + json.error().message);
      return {};
    }
    auto policy = attest::parse_policy(used.name, *json);
    if (!policy.has_value()) {
      foreign("the spec" + of + ": " + policy.error().message);
      return {};
    }
    PolicyInForce in_force = resolve(*std::move(policy), material, used.resolved_at);
    for (const crypto::Sha256& digest : material.unrecorded()) {
      out_.as_recorded.push_back(
          "digest list " + attest::digest_text(digest) + " of policy \"" + used.name +
          "\" is not part of the record: taken as one that could not be used "
          "(or the controller was of a version that kept no lists)");
    }
    if (in_force.lists != used.lists) {
      foreign("the digest lists that the record names" + of +
              " are not those that its manifests name");
      return {};
    }
    if (in_force.policy.spec_digest != used.spec_digest || in_force.digest != used.digest) {
      foreign("the recorded references" + of + " do not give the digest that the token names");
      return {};
    }
    policies_.push_back(std::move(in_force));
    return {};
  }

  // The quote as the controller accepted it, but for what came before it.
  Checked<attest::VerifiedQuote> verify(const attest::NodeKeys& keys) const {
    std::vector<attest::QuoteNeed> needs;
    for (const PolicyInForce& policy : policies_) {
      needs.push_back({policy.policy.name, attest::selection_of_agents(policy.policy.spec)});
    }
    const attest::UnverifiedQuote& quote = *record_->evidence.quote;
    attest::BeaconWindow window;
    window.add({.origin = quote.beacon.origin,
                .size = quote.beacon.size,
                .note_text = record_->beacon_text,
                .published_at = record_->beacon_published});
    return attest::verify_quote(quote, record_->evidence.pcrs,
                                {.keys = keys,
                                 .node_uid = record_->evidence.node_uid,
                                 .beacons = window,
                                 .max_beacon_age = attest::kMaxTokenLife,
                                 .needs = needs,
                                 .previous = std::nullopt,
                                 .allowed_firmware = {},
                                 .now = record_->beacon_published});
  }

  void take_as_recorded(const PolicyUsed& used, std::string_view log, const LogUse& use) {
    out_.as_recorded.push_back("the " + std::string(log) + " under policy \"" + used.name +
                               "\" was refused as a whole and is not kept: " + use.code + ": " +
                               use.message);
  }

  attest::PolicyResult judge(const PolicyUsed& used, const PolicyInForce& policy,
                             const attest::NodeKeys& keys, const attest::VerifiedQuote& quote) {
    if (!policy.problems.empty()) return unusable_result(policy);
    const auto endorsement = attest::check_endorsement(keys, record_->identity, record_->node_name,
                                                       policy.endorsement, used.endorsed_at);
    Evidence evidence{.quote = quote, .boot = {}, .runtime = {}, .awaiting_logs = false};
    if (used.boot.kind != LogUse::Kind::kNotUsed) {
      if (boot_log_) {
        evidence.boot = judged<BootFindings>(judge_boot_log(*boot_log_, quote, policy));
      } else {
        take_as_recorded(used, "boot log", used.boot);
        evidence.boot = judged<BootFindings>(attest::refuse(used.boot.code, used.boot.message));
      }
    }
    if (used.runtime.kind == LogUse::Kind::kJudged && policy.runtime != nullptr) {
      evidence.runtime =
          judged<RuntimeFindings>(judge_runtime_log(*runtime_log_, quote, *policy.runtime));
    } else if (used.runtime.kind == LogUse::Kind::kRefused) {
      take_as_recorded(used, "runtime log", used.runtime);
      evidence.runtime =
          judged<RuntimeFindings>(attest::refuse(used.runtime.code, used.runtime.message));
    }
    return appraise(policy, endorsement, evidence);
  }

  Result<void> judge() {
    const auto keys = attest::check_keys(record_->identity);
    if (!keys.has_value()) {
      foreign("the recorded keys: " + keys.reason().message);
      return {};
    }
    if (keys->ak.name != claims_.ak_name) {
      foreign("the recorded AK has the name " + to_hex(keys->ak.name) + ", the token's is " +
              to_hex(claims_.ak_name));
      return {};
    }
    const auto quote = verify(keys.value());
    if (!quote.has_value()) {
      foreign("the recorded quote: " + quote.reason().code + ": " + quote.reason().message);
      return {};
    }
    if (quote->beacon() != claims_.beacon ||
        quote->state().clock.reset_count != claims_.reset_count ||
        quote->state().clock.restart_count != claims_.restart_count) {
      foreign("the recorded quote is of another beacon or boot than the token names");
      return {};
    }
    std::vector<attest::PolicyResult> results;
    for (std::size_t i = 0; i < policies_.size(); ++i) {
      results.push_back(judge(record_->policies.at(i), policies_[i], keys.value(), quote.value()));
    }
    out_.verdict = attest::combine(std::move(results));
    compare(*out_.verdict);
    return {};
  }

  void differs(const std::string& what, std::string_view now, std::string_view then) {
    out_.different.push_back(what + ": " + std::string(now) + ", and was " + std::string(then));
  }

  void compare(const attest::Verdict& verdict) {
    if (verdict.status != claims_.status) {
      differs("the verdict", attest::status_name(verdict.status),
              attest::status_name(claims_.status));
    }
    for (std::size_t i = 0; i < verdict.policies.size(); ++i) {
      const attest::Status then = claims_.policies.at(i).status;
      const attest::Status now = verdict.policies[i].status;
      if (now != then) {
        differs("policy \"" + verdict.policies[i].name + "\"", attest::status_name(now),
                attest::status_name(then));
      }
    }
    for (std::size_t i = 0; i < attest::kClaimCount; ++i) {
      if (verdict.vector.values.at(i) == claims_.vector.values.at(i)) continue;
      differs(std::string(attest::claim_name(static_cast<attest::Claim>(i))),
              std::to_string(verdict.vector.values.at(i)),
              std::to_string(claims_.vector.values.at(i)));
    }
    std::set<std::string> now;
    for (std::size_t i = 0; i < std::min(verdict.reasons.size(), kKeptReasons); ++i) {
      now.insert(verdict.reasons[i].code);
    }
    std::set<std::string> then(record_->reasons.begin(), record_->reasons.end());
    for (auto* codes : {&now, &then}) {  // a note, which earlier versions did not make
      codes->erase(std::string(code::kReferencesNotInForce));
    }
    if (now != then) differs("the reasons", list(now), list(then));
  }

  static std::string list(const std::set<std::string>& codes) {
    std::string out;
    for (const std::string& code : codes) out += (out.empty() ? "" : ", ") + code;
    return out.empty() ? "none" : out;
  }

  const StoredRecord& stored_;
  const attest::TokenClaims& claims_;
  RecordObjects& objects_;
  Reappraisal out_;
  std::optional<VerdictRecord> record_;
  std::optional<Bytes> boot_log_, runtime_log_;
  std::vector<PolicyInForce> policies_;
  RecordedLists lists_;
};

}  // namespace

Result<Reappraisal> reappraise(const StoredRecord& stored, const attest::TokenClaims& claims,
                               RecordObjects& objects) {
  return Reappraiser(stored, claims, objects).run();
}

}  // namespace avouch::appraisal
