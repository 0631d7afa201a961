// What the leader has on disk: the log, its index, the nodes' evidence and records.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/log_policy_file.h"
#include "adapters/registration_policy.h"
#include "control/registration_record.h"
#include "crypto/random.h"
#include "operator/leader_parts.h"
#include "tlog/entry.h"

namespace avouch::controller {
namespace {

constexpr std::uint64_t kMostOfOneNode = 64ULL * 1024 * 1024;  // blobs, and as much runtime log
constexpr std::uint64_t kIndexedEntries = 200'000;  // newest entries that are found by subject
// Of the store of records, what one node may fill in a day: in 30 days not even half of it.
constexpr std::uint64_t kRecordShares = 64;
constexpr std::uint64_t kLeastRecordShare = 1024ULL * 1024;

}  // namespace

Result<void> Leader::Parts::open_log() {
  if (!entries) {
    AVOUCH_CHECK(open_newest_log());
    entries = std::make_unique<control::SequencedLog>(*log, index);
    log_is_open = true;
  }
  if (!other_logs) AVOUCH_CHECK(open_references());
  if (const auto why = log->status().read_only) {
    tell_read_only(*why);
    // Of what is there, as much as can be read is found.
    const auto indexed = index.rebuild(*log_store, log->checkpoint().size(), kIndexedEntries);
    if (!indexed.has_value()) signals.problem("log", indexed.error().message);
    return {};
  }
  AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, publish_log());
  AVOUCH_CHECK(index.rebuild(*log_store, checkpoint.size(), kIndexedEntries));
  return record_registration_policy();
}

Result<void> Leader::Parts::open_references() {
  constexpr std::size_t kMaxBytes = 16UL * 1024;  // it becomes part of an entry
  const std::string& file = config.log.references_policy_file;
  if (file.empty()) return {};
  AVOUCH_TRY(adapters::LogPolicyFile read, adapters::read_log_policy(file, kMaxBytes));
  if (read.policy.logs().empty()) {
    return rejected(file + ": names no log; expected a line \"log VKEY\" for each");
  }
  for (const tlog::KnownLog& each : read.policy.logs()) {
    if (each.key.name != log_origin) continue;
    return rejected(file + ": names this log itself; its own entries need no key there");
  }
  signals.note("references", "entries of " + std::to_string(read.policy.logs().size()) +
                                 " keys' logs may be referred to");
  other_logs = std::move(read);
  return {};
}

Result<void> Leader::Parts::record_registration_policy() {
  const control::PolicyRecordParts parts{.log = *log,
                                         .entries = *entries,
                                         .index = index,
                                         .origin = log_origin,
                                         .pseudonym_key = keys->pseudonym,
                                         .verifier_key = keys->verifier,
                                         .random = crypto::system_random()};
  const tlog::RegistrationPolicy policy = adapters::registration_policy_of(config.log.registration);
  const auto recorded = control::ensure_registration_policy(
      parts, policy, clock.now(), other_logs ? other_logs->text : std::string());
  if (!recorded.has_value()) return with_context(recorded.error(), "log.registration");
  registration_policy = *recorded;
  if (!registration_policy) return {};
  const std::string entry =
      " are taken; the policy is entry " + std::to_string(*registration_policy);
  if (policy.takes_statements()) {
    signals.note("registration",
                 "statements of " + std::to_string(policy.issuers.size()) + " issuers" + entry);
  }
  if (policy.takes_hashed_rekords()) {
    signals.note("registration",
                 "hashedrekords by " + std::to_string(policy.rekor_keys.size()) + " keys" + entry);
  }
  return {};
}

// A publication is repeated for as long as the disk is full or the database away.
Result<tlog::VerifiedCheckpoint> Leader::Parts::publish_log() {
  constexpr std::chrono::milliseconds kLook{100};
  auto promise = std::make_shared<std::promise<Result<tlog::VerifiedCheckpoint>>>();
  auto published = promise->get_future();
  log->publish([promise](Result<tlog::VerifiedCheckpoint> checkpoint) {
    promise->set_value(std::move(checkpoint));
  });
  while (published.wait_for(kLook) != std::future_status::ready) {
    if (ending) return retryable("log: is being closed");
  }
  return published.get();
}

void Leader::Parts::keep_retention() {
  const config::ControllerConfig::Log::Retention& kept = config.log.retention;
  retention = std::make_unique<control::RetentionKeeper>(
      control::RetentionKeeper::Options{.policy = {kept.content, kept.entries},
                                        .origin = log_origin,
                                        .pseudonym_key = keys->pseudonym},
      *log, *log_store, *entries, [this] { return publish_log(); },
      // Who reads below the witnessed checkpoint reads below that minimum index too.
      [this] {
        if (!witnessing) return std::numeric_limits<std::uint64_t>::max();
        const auto witnessed = witnessing->notes().witnessed();
        return witnessed ? witnessed->size : 0;
      },
      keys->verifier, crypto::system_random(), clock, signals);
  retention->start();
}

std::uint64_t bytes_for_lists(const config::ControllerConfig::Limits& limits) {
  return std::min(limits.store_bytes / 4, limits.store_bytes - limits.blob_bytes);
}

Result<void> Leader::Parts::open_stores() {
  const std::filesystem::path dir = config.data_dir;
  AVOUCH_TRY(records, adapters::NodeFiles::open(dir / "nodes"));
  // No node can take more than a quarter of the store.
  const std::uint64_t for_lists = bytes_for_lists(config.limits);
  const std::uint64_t share = std::max<std::uint64_t>(
      config.limits.blob_bytes,
      std::min<std::uint64_t>(config.limits.store_bytes / 8, kMostOfOneNode));
  // What is left of a volume that runs short is for the log.
  const auto has_room = [this](std::uint64_t more) { return volume.takes_evidence(more); };
  const auto has_room_for_records = [this](std::uint64_t more) {
    return volume.takes_records(more);
  };
  AVOUCH_TRY(blobs, adapters::BlobFiles::open({.directory = dir / "evidence",
                                               .total_bytes = config.limits.store_bytes - for_lists,
                                               .node_blob_bytes = share,
                                               .runtime_log_bytes = share,
                                               .has_room = has_room},
                                              clock));
  AVOUCH_TRY(archive, adapters::RecordFiles::open(
                          {.directory = dir / "records",
                           .evidence = dir / "evidence",
                           .lists = dir / "lists",
                           .total_bytes = config.records.bytes,
                           .retention = config.records.retention,
                           .node_day_bytes = std::max<std::uint64_t>(
                               config.records.bytes / kRecordShares, kLeastRecordShare),
                           .has_room = has_room_for_records}));
  AVOUCH_TRY(lists, adapters::BlobFiles::open({.directory = dir / "lists",
                                               .total_bytes = for_lists,
                                               .node_blob_bytes = for_lists,
                                               .runtime_log_bytes = 0,
                                               .has_room = has_room},
                                              clock));
  list_folder = std::make_unique<adapters::DigestListFolder>(dir / "lists" / "blobs");
  stored_lists = std::make_unique<reference::SharedDigestLists>(*list_folder);
  AVOUCH_TRY(renewal_files, adapters::RenewalFiles::open({.directory = shards.renewals(shard)}));
  if (!cold) {
    AVOUCH_TRY(cold, adapters::ColdFile::open({.directory = dir, .has_room = has_room}));
  }
  AVOUCH_TRY(signer, attest::KeySigner::make(keys->verifier));

  std::vector<control::NodeRecord> nodes_known;
  std::vector<control::RecordedPolicy> policies_known;
  AVOUCH_TRY(const auto texts, records->load());
  for (const auto& [key, text] : texts) {
    if (key.starts_with(control::kPolicyKeyPrefix)) {
      auto policy = control::parse_policy_record(text);
      if (!policy.has_value()) return fatal("record " + key + ": " + policy.error().message);
      policies_known.push_back(*std::move(policy));
      continue;
    }
    auto saved = control::parse_record(text);
    if (!saved.has_value()) return fatal("record " + key + ": " + saved.error().message);
    control::NodeRecord record =
        control::record_beside(*std::move(saved), log_origin, keys->log_origin);
    // A token that was renewed and saved, and not yet in an epoch entry when the process ended,
    // gets its place now; twice in the log does no harm.
    if (!record.verdict->token.empty()) {
      renewals.add(control::make_renewal(tlog::node_pseudonym(keys->pseudonym, record.node_uid),
                                         crypto::sha256(record.verdict->token)));
    }
    nodes_known.push_back(std::move(record));
  }

  appraiser = std::make_unique<control::Appraiser>(
      control::AppraiserOptions{.origin = log_origin,
                                .chain = keys->log_origin,
                                .build = std::string("avouch-controller ") + AVOUCH_VERSION,
                                .pseudonym_key = keys->pseudonym,
                                .cadence = config.log.cadence},
      *signer, beacons, crypto::system_random(), *this, *cold);
  appraiser->restore(std::move(nodes_known), std::move(policies_known), control::read_clock(clock));
  judge = std::make_unique<control::LogJudge>(
      *blobs, *blobs, config.limits.blob_bytes, *cold, clock,
      [this](const std::string& node_uid, const Error& error) {
        if (error.kind != ErrorKind::kFatal) {
          return tell_crowded("what is known of a node's logs stays on the heap: " + error.message);
        }
        signals.problem("node state", "node UID " + node_uid + ": " + error.message);
      });
  loop = std::make_unique<control::AppraiserLoop>(*appraiser, clock, signals);
  recorder = std::make_unique<control::Recorder>(
      control::Recorder::Options{.origin = log_origin}, *entries, *records, renewals, *archive,
      keys->verifier, crypto::system_random(), clock, signals,
      [this](const control::RecordJob& job, std::optional<control::LogPlace> place) {
        if (job.node_name.empty()) return;
        loop->post([name = job.node_name, number = job.number, place](
                       control::Appraiser& the_appraiser, control::Moment now) {
          the_appraiser.recorded(name, number, place, now);
        });
      });
  epochs = std::make_unique<control::EpochPublisher>(
      control::EpochPublisher::Options{
          .origin = log_origin, .pseudonym_key = keys->pseudonym, .cadence = config.log.cadence},
      *entries,
      [this]() -> Result<std::string> {
        AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, publish_log());
        return checkpoint.note();
      },
      [this](const std::string& note) { return beacon_object->show(note); }, renewals,
      *renewal_files, beacons, keys->verifier, crypto::system_random(), clock, signals);
  return {};
}

}  // namespace avouch::controller
