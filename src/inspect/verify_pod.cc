// What was decided about a pod, and on what verdict of its node.

#include <utility>

#include "base/hex.h"
#include "codec/utf8.h"
#include "inspect/absent.h"
#include "inspect/entry_text.h"
#include "inspect/rights.h"
#include "inspect/verify.h"
#include "tlog/entry.h"
#include "tlog/shard_name.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;

constexpr std::chrono::seconds kRecent{60};
constexpr int kPage = 50;

std::string query_by_name(const PlacedPod& pod) {
  return "namespace=" + kube::url_encode(pod.ns) + "&pod=" + kube::url_encode(pod.name);
}

// Of a pod on a node those that name its UID: of its name anybody who may create such pods can have
// any number logged.
std::string query_by_uid(const PlacedPod& pod) {
  return pod.uid.empty() ? query_by_name(pod)
                         : query_by_name(pod) + "&uid=" + kube::url_encode(pod.uid);
}

bool is_about(const Cbor& payload, const std::string& ns, const std::string& name) {
  return text_of(payload, "namespace") == ns && text_of(payload, "pod") == name;
}

// What the controller says that the entry says, to choose by; null where it says nothing of use.
Cbor claimed(const UnverifiedListed& listed) {
  if (listed.preimage.empty()) return {};
  const auto read = codec::parse_cbor(listed.preimage);
  const Cbor::Array* parts = read.has_value() ? read->as_array() : nullptr;
  return parts == nullptr || parts->size() != 2 ? Cbor() : (*parts)[1];
}

}  // namespace

struct Verifier::PodSearch {
  std::optional<Proven> let_in, unproven;  // what let it in; the newest that only says so
  std::optional<std::uint64_t> newest;
  std::size_t looked_at = 0, denials = 0;
  bool in_time = true;
};

// Without the pod nothing tells the verdict that let it in from one that somebody had made up.
Result<PlacedPod> Verifier::live_pod(const std::string& ns, const std::string& name) {
  const std::string unknown = "which pod " + ns + "/" + name +
                              " is, and since when it is on its node, is not known, so that no "
                              "verdict is proven to be the one that let it in";
  PlacedPod none;
  none.ns = ns;
  none.name = name;
  const auto object = api_.get(kube::pods(ns), name);
  if (!object.has_value()) {
    if (object.error().is_not_found()) return none;
    return with_context(with_pods_grant(object.error(), ns), unknown);
  }
  auto pod = placed_pod(*object, ns);
  if (!pod.has_value()) return with_context(pod.error(), unknown);
  pod->name = name;
  return pod;
}

// A verdict that was relied on within the last epochs may not be in one yet.
Verifier::Wait Verifier::wait_for_basis(const Cbor& admission) const {
  const auto time = integer_of(admission, "time");
  if (!time) return Wait::kNot;
  const auto age = clock_.now() - SystemTime(std::chrono::milliseconds(*time));
  return age < kRecent && age > -kRecent ? Wait::kIfItMayCome : Wait::kNot;
}

Result<std::vector<ProofStep>> Verifier::prove_basis(const Cbor& admission,
                                                     const Demands& demands) {
  std::vector<ProofStep> out;
  const Cbor* basis = admission.find("nodeVerdict");
  if (basis == nullptr) {
    out.push_back(note("it was based on no verdict of the node"));
    if (demands.reappraise) {
      out.push_back(note("there is no verdict of the node to judge again"));
    }
    return out;
  }
  // Older entries do not say it: they are of the log that they are in, unless a new one was begun
  // between decision and entry.
  const std::string origin = text_of(*basis, "origin");
  if (!origin.empty() && !enter(origin)) {
    out.push_back(note("it was based on a verdict of the node in another log, " +
                       codec::in_quotes(origin) +
                       ", which was the release's when it was decided: that log alone proves it"));
    if (demands.reappraise) {
      out.push_back(note("this log has no verdict of the node to judge again"));
    }
    return out;
  }
  const auto index = integer_of(*basis, "index");
  if (!index || *index < 0) {
    out.push_back(note("the node verdict's entry was not known when it was decided"));
    return out;
  }
  AVOUCH_TRY(Proven verdict, prove(static_cast<std::uint64_t>(*index)));
  auto& parts = verdict.step.parts;
  if (verdict.sound) {
    const std::string claim = "it is the verdict of that node";
    if (verdict.kind != tlog::kNodeVerdict) {
      parts.push_back(fails(claim, "it is of kind " + verdict.kind));
    } else if (verdict.erased_by) {
      parts.push_back(
          note("whether it is the verdict of that node cannot be told", "its content was erased"));
    } else if (verdict.payload.is_null()) {
      parts.push_back(note("whether it is the verdict of that node is withheld"));
    } else if (text_of(verdict.payload, "nodeUID") != text_of(admission, "nodeUID")) {
      parts.push_back(fails(claim, "it is of node " + text_of(verdict.payload, "node") + ", UID " +
                                       text_of(verdict.payload, "nodeUID")));
    } else {
      parts.push_back(holds(claim));
      const Bytes* digest = bytes_of(*basis, "tokenDigest");
      const Bytes* token = bytes_of(verdict.payload, "token");
      tlog::Hash wanted{};
      if (digest != nullptr && digest->size() == wanted.size()) {
        std::copy(digest->begin(), digest->end(), wanted.begin());
        if (token != nullptr && crypto::sha256(*token) == wanted) {
          parts.push_back(holds("it holds the token that was relied on"));
        } else {
          AVOUCH_TRY(ProofStep renewal, prove_renewal(text_of(verdict.payload, "node"), wanted,
                                                      verdict.subject, wait_for_basis(admission)));
          parts.push_back(std::move(renewal));
        }
      }
    }
  }
  out.push_back(std::move(verdict.step));
  if (demands.reappraise) {
    const Bytes* digest = bytes_of(*basis, "tokenDigest");
    tlog::Hash wanted{};
    if (digest == nullptr || digest->size() != wanted.size()) {
      out.push_back(fails("the node's verdict can be judged again",
                          "the admission verdict names no token that it relied on"));
      return out;
    }
    std::copy(digest->begin(), digest->end(), wanted.begin());
    std::optional<Bytes> record;
    const Bytes* token = bytes_of(verdict.payload, "token");
    const Bytes* named = bytes_of(verdict.payload, "record");
    if (named != nullptr && token != nullptr && crypto::sha256(*token) == wanted) record = *named;
    AVOUCH_TRY(ProofStep again, prove_again(text_of(admission, "node"), wanted, record));
    out.push_back(std::move(again));
  }
  return out;
}

// Why an entry that says that it let the pod in is no proof of it; "" where it is one.
std::string Verifier::unproven(const Proven& proven, const PlacedPod& pod) {
  for (const ProofStep& part : proven.step.parts) {
    if (part.outcome == Outcome::kFails) return part.claim + ": " + part.detail;
  }
  if (proven.kind != tlog::kAdmissionVerdict) return "it is of kind " + proven.kind;
  if (proven.payload.is_null()) return "its content is withheld";
  if (!is_about(proven.payload, pod.ns, pod.name)) {
    return "it is about pod " + text_of(proven.payload, "namespace") + "/" +
           text_of(proven.payload, "pod");
  }
  return let_in(proven.payload, pod) ? "" : "it did not let this pod in";
}

// The newest verdict; of a pod that runs, the one that let it in, however many came after it:
// whoever reaches the webhook can have denials of any name logged.
Result<Verifier::PodSearch> Verifier::search_log(const PlacedPod& pod, const SearchBounds& bounds) {
  const std::string asks = query_by_uid(pod);
  PodSearch out;
  std::optional<std::uint64_t> before;
  int limit = bounds.first_page;
  for (int page = 0; page < bounds.pages; ++page) {
    if (bounds.until && clock_.steady_now() >= *bounds.until) {
      out.in_time = false;
      break;
    }
    const std::optional<std::uint64_t> asked = before;
    AVOUCH_TRY(const auto found,
               log_.list(before ? asks + "&before=" + std::to_string(*before) : asks, limit));
    for (const UnverifiedListed& listed : found.entries) {
      if (before && listed.index >= *before) {
        return rejected("the controller's answer: entries: expected newest first, got entry " +
                        std::to_string(listed.index) + " after " + std::to_string(*before));
      }
      before = listed.index;
      if (!out.newest) out.newest = listed.index;
      ++out.looked_at;
      if (pod.node.empty()) break;
      const Cbor claim = claimed(listed);
      if (text_of(claim, "decision") == "deny") ++out.denials;
      if (claim.is_null() || !let_in(claim, pod)) continue;
      AVOUCH_TRY(Proven proven, prove(listed.index, &listed));
      if (unproven(proven, pod).empty()) {
        out.let_in = std::move(proven);
        return out;
      }
      if (!out.unproven) out.unproven = std::move(proven);
    }
    const bool is_full = std::cmp_equal(found.entries.size(), limit);
    if ((pod.node.empty() && out.newest) || (!is_full && found.from == 0)) break;
    if (!is_full && asked && found.from >= *asked) {
      return rejected("the controller's answer: from: expected less than " +
                      std::to_string(*asked));
    }
    if (!is_full) before = found.from;
    if (page % 4 == 3) progress_("looking further back, below entry " + std::to_string(*before));
    limit = kPage;
  }
  return out;
}

// Decided at the latest when the pod was placed, and entered then or later.
std::vector<std::string> Verifier::origins_for(const PlacedPod& pod) const {
  std::vector<std::string> before, since;
  for (const UnverifiedShard& shard : shards_) {
    const auto label = tlog::label_of(anchors_.issuer(), shard.origin);
    if (!label) continue;
    const bool began_later = pod.placed && *tlog::begin_of(*label) > *pod.placed;
    (began_later ? since : before).push_back(shard.origin);
  }
  std::vector<std::string> out;
  if (!before.empty()) out.push_back(before.back());
  out.insert(out.end(), since.begin(), since.end());
  if (pod.placed) {  // where clocks differ, the one before
    if (before.size() > 1) out.push_back(before[before.size() - 2]);
    return out;
  }
  if (!before.empty()) out.insert(out.end(), std::next(before.rbegin()), before.rend());
  return out;
}

Result<Verifier::PodSearch> Verifier::search(const PlacedPod& pod, const SearchBounds& bounds) {
  if (shards_.size() < 2) return search_log(pod, bounds);
  PodSearch out;
  std::string newest_in = shards_.back().origin;
  for (const std::string& origin : origins_for(pod)) {
    if (!enter(origin)) continue;
    AVOUCH_TRY(PodSearch found, search_log(pod, bounds));
    found.looked_at += out.looked_at;
    found.denials += out.denials;
    if (found.let_in || !found.in_time) return found;
    if (found.newest) {
      newest_in = origin;
    } else {
      found.newest = out.newest;
    }
    if (!found.unproven) found.unproven = std::move(out.unproven);
    out = std::move(found);
    if (pod.node.empty() && out.newest) break;
  }
  enter(newest_in);
  return out;
}

Result<Verifier::PodVerdict> Verifier::verdict_of_pod(const PlacedPod& pod) {
  AVOUCH_TRY(PodSearch found, search(pod, {}));
  if (found.let_in) return PodVerdict{*std::move(found.let_in), found.looked_at};
  if (!found.newest && !pod.uid.empty()) {
    AVOUCH_TRY(const auto any, log_.list(query_by_name(pod), 1));
    if (!any.entries.empty()) found.newest = any.entries.front().index;
  }
  if (!found.newest) {
    const std::string name = pod.ns + "/" + pod.name;
    const std::string none = "the log has no admission verdict of pod " + name;
    AVOUCH_CHECK(expect_in_cluster(api_, sought_pod(pod.ns, pod.name), none + ", and "));
    return rejected(
        none +
        ": expected one if a policy gates the pod and it was given to a node, unless it "
        "still waits in a webhook's spool, or its content was erased");
  }
  PodVerdict out{.proven = {}, .looked_at = found.looked_at};
  AVOUCH_TRY(out.proven, prove(*found.newest));
  return out;
}

Result<PodRecord> Verifier::record_of(const PlacedPod& pod, const SearchBounds& bounds) {
  using RecordState = PodRecord::State;
  const auto found = search(pod, bounds);
  PodRecord out;
  if (!found.has_value()) {
    if (!disproves(found.error())) return found.error();
    out.state = RecordState::kUnproven;
    out.why = found.error().message;
    return out;
  }
  out.entries = found->looked_at;
  out.index = found->newest;
  if (found->let_in) {
    out.state = RecordState::kProven;
    out.index = found->let_in->index;
    out.is_late = is_late(found->let_in->payload);
  } else if (!found->in_time) {
    out.state = RecordState::kNotLookedFor;
  } else if (found->unproven) {
    out.state = RecordState::kUnproven;
    out.index = found->unproven->index;
    out.why = unproven(*found->unproven, pod);
  } else if (found->looked_at == 0) {
    out.state = RecordState::kNone;
  } else {
    out.state = found->denials == found->looked_at ? RecordState::kDenials : RecordState::kOthers;
  }
  return out;
}

Result<ProofStep> Verifier::pod(const std::string& ns, const std::string& name,
                                const Demands& demands) {
  const std::string pod = ns + "/" + name;
  if (!log_.reads_content()) {
    return needs_reader("admission verdicts of pods are found", log_.release());
  }
  progress_("looking for admission verdicts of pod " + pod);
  AVOUCH_TRY(const PlacedPod live, live_pod(ns, name));
  AVOUCH_TRY(PodVerdict chosen, verdict_of_pod(live));
  ProofStep out = note("pod " + pod);
  Proven& admission = chosen.proven;
  if (!admission.sound) {
    out.parts.push_back(std::move(admission.step));
    return out;
  }
  if (admission.kind == tlog::kAdmissionVerdict && admission.erased_by) {
    admission.step.parts.push_back(without_content(admission, "it is about this pod"));
    out.parts.push_back(std::move(admission.step));
    return out;
  }
  if (admission.kind != tlog::kAdmissionVerdict || admission.payload.is_null()) {
    admission.step.parts.push_back(
        fails("the entry is an admission verdict that you may read", admission.kind));
    out.parts.push_back(std::move(admission.step));
    return out;
  }
  auto& parts = admission.step.parts;
  out.detail = text_of(admission.payload, "decision");
  parts.push_back(is_about(admission.payload, ns, name)
                      ? holds("it is about this pod")
                      : fails("it is about this pod", "it is about " +
                                                          text_of(admission.payload, "namespace") +
                                                          "/" + text_of(admission.payload, "pod")));
  if (const std::string sender = sender_of(admission.payload); !sender.empty()) {
    parts.push_back(note(sender));
  }
  if (!live.node.empty()) {
    const std::string claim = "it let in the pod that runs now on node " + live.node;
    parts.push_back(let_in(admission.payload, live)
                        ? holds(claim)
                        : fails(claim, chosen.looked_at == 0
                                           ? "no verdict of that name has the pod's UID"
                                           : "none of the newest " +
                                                 std::to_string(chosen.looked_at) +
                                                 " verdicts with the pod's UID did"));
  } else {
    parts.push_back(note("no pod of that name is on a node now"));
  }
  AVOUCH_TRY(std::vector<ProofStep> basis, prove_basis(admission.payload, demands));
  for (ProofStep& step : basis) parts.push_back(std::move(step));
  out.parts.push_back(std::move(admission.step));
  if (demands.trusted) {
    out.parts.push_back(out.detail == "allow"
                            ? holds("the pod was let in, as --trusted demands")
                            : fails("the pod was let in, as --trusted demands", out.detail));
  }
  return out;
}

}  // namespace avouch::inspect
