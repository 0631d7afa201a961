#include "control/sequenced_log.h"

#include <future>
#include <memory>
#include <utility>

#include "control/log_payloads.h"
#include "tlog/entry.h"

namespace avouch::control {

Result<std::vector<LogPlace>> SequencedLog::append(std::vector<EntryToLog> entries) {
  auto promise = std::make_shared<std::promise<Result<std::vector<LogPlace>>>>();
  auto future = promise->get_future();
  append_then(std::move(entries), [promise](Result<std::vector<LogPlace>> places) {
    promise->set_value(std::move(places));
  });
  return future.get();
}

void SequencedLog::append_then(std::vector<EntryToLog> entries, Done done) {
  std::vector<tlog::Submission> submissions;
  auto preimages = std::make_shared<std::vector<Bytes>>();
  for (EntryToLog& entry : entries) {
    preimages->push_back(entry.preimage);
    submissions.push_back(
        {std::move(entry.statement), std::move(entry.preimage), std::move(entry.id)});
  }
  log_.append(std::move(submissions), [this, preimages, done = std::move(done)](
                                          Result<std::vector<tlog::Sequenced>> sequenced) {
    if (!sequenced.has_value()) return done(std::move(sequenced).error());
    std::vector<LogPlace> places;
    for (std::size_t i = 0; i < sequenced->size(); ++i) {
      const tlog::Sequenced& one = (*sequenced)[i];
      index_.add(one.index, (*preimages)[i]);
      places.push_back({one.index, one.leaf});
    }
    done(std::move(places));
  });
}

Result<void> ensure_genesis(tlog::Log& log, EntryLog& entries, const std::string& origin,
                            ByteView pseudonym_key, const crypto::PrivateKey& verifier_key,
                            const std::string& log_vkey, crypto::Random& random, SystemTime now,
                            const std::optional<tlog::Predecessor>& predecessor) {
  const std::uint64_t size = log.status().sequenced;
  if (size >= 2) return {};
  if (size == 1) {
    return fatal(
        "the log has one entry and should have both genesis entries or none; restore it "
        "from a backup");
  }
  std::vector<codec::Cbor> payloads;
  if (predecessor) payloads.push_back(tlog::predecessor_payload(*predecessor, now));
  payloads.push_back(registration_policy_payload(now));
  payloads.push_back(trust_anchors_payload(now, {verifier_key.public_key()}, log_vkey));
  std::vector<EntryToLog> genesis;
  for (const codec::Cbor& payload : payloads) {
    AVOUCH_TRY(tlog::NewEntry entry,
               tlog::make_entry(verifier_key,
                                {.issuer = origin,
                                 .subject = tlog::log_pseudonym(pseudonym_key),
                                 .kind = std::string(tlog::kGenesis),
                                 .payload = payload},
                                random));
    genesis.push_back({std::move(entry.statement), std::move(entry.preimage), ""});
  }
  const auto places = entries.append(std::move(genesis));
  if (!places.has_value()) return places.error();
  return {};
}

}  // namespace avouch::control
