// `avouch-log monitor` as a process, of logs that follow one another.

#include "crypto/random.h"
#include "integration/log/monitor_process.h"
#include "tlog/entry.h"
#include "tlog/retention.h"
#include "tlog/shard.h"

namespace avouch::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kChain = kFollowedOrigin, kNext = kChain + "/2027";

class MonitorChainTest : public MonitorProcessTest {
 protected:
  static tlog::NewEntry entry_of(const std::string& origin, std::string_view kind,
                                 codec::Cbor payload) {
    static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
    return tlog::make_entry(key, {origin, "log:1", std::string(kind), std::move(payload)},
                            crypto::system_random())
        .value();
  }
  MonitorChainTest() { first_.add(entry_of(kChain, tlog::kGenesis, codec::Cbor::map({}))); }
  void close_first() {
    first_.grow_to(299);
    first_.add(entry_of(kChain, tlog::kShardKind, tlog::shard_end_payload({SystemTime(), kNext})));
    last_ = first_.grow_to(300).note();
    serve("log", first_, kChain, 300);
  }
  void begin_next(const std::string& predecessor) {
    next_.add(entry_of(kNext, tlog::kGenesis,
                       tlog::predecessor_payload({kChain, predecessor}, SystemTime())));
    next_.grow_to(5);
    serve("log/2027", next_, kNext, 5);
  }
  void serve(const std::string& part, ServedLog& log, const std::string& origin,
             std::uint64_t size) {
    const auto links = tlog::make_shard_resource(log.store, origin, size).value();
    site_.show(part + "/shard", std::string(as_text(links)));
    site_.serve(part, &log.store);
  }
  std::string line(const tlog::NoteSigner& signer, const std::string& part) const {
    return "log " + tlog::format_vkey(signer.verifier()) + " " + site_.url(part) + "\n";
  }
  static std::string entries_of(const std::string& origin, std::uint64_t count) {
    return "avouch_monitor_log_entries{log=\"" + origin + "\"} " + std::to_string(count) + "\n";
  }

  const crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const tlog::NoteSigner first_signer_ = tlog::NoteSigner::make(kChain, key_).value();
  const tlog::NoteSigner next_signer_ = tlog::NoteSigner::make(kNext, key_).value();
  ServedLog first_{first_signer_}, next_{next_signer_};
  std::string last_;  // note
};

TEST_F(MonitorChainTest, FollowsTheOneThatFollowsByTheSameKey) {
  first_.grow_to(200);
  site_.serve("log", &first_.store);
  start(line(first_signer_, "log") + "quorum none\n", "growthWithin: 2s\n");
  ASSERT_NE(metrics_with(entries_of(kChain, 200)), "");
  close_first();
  ASSERT_NE(metrics_with(entries_of(kChain, 300)), "");
  EXPECT_NE(ready_with(503, kNext), "");  // which is not there yet
  begin_next(last_);
  ASSERT_NE(metrics_with(entries_of(kNext, 5)), "");
  next_.grow_to(400);
  ASSERT_NE(metrics_with(entries_of(kNext, 400)), "");
  EXPECT_THAT(metrics(), Not(HasSubstr("broken-chain")));
  EXPECT_THAT(monitor_.log(), HasSubstr("the log follows another"));
  restart();  // from what it has kept of both
  ASSERT_NE(metrics_with(entries_of(kNext, 400)), "");
  EXPECT_THAT(metrics(), Not(HasSubstr("broken-chain")));
}

// One policy line has all places: what was found on the way takes none from what is still to come.
TEST_F(MonitorChainTest, FollowsALongChainToItsEnd) {
  constexpr int kShards = 14;
  const auto origin_at = [](int n) {
    return n == 0 ? kChain : kChain + "/" + std::to_string(2026 + n);
  };
  std::vector<std::unique_ptr<tlog::NoteSigner>> signers;
  std::vector<std::unique_ptr<ServedLog>> logs;
  std::string before;
  for (int n = 0; n < kShards; ++n) {
    const std::string origin = origin_at(n);
    signers.push_back(
        std::make_unique<tlog::NoteSigner>(tlog::NoteSigner::make(origin, key_).value()));
    ServedLog& log = *logs.emplace_back(std::make_unique<ServedLog>(*signers.back()));
    log.add(entry_of(origin, tlog::kGenesis,
                     n == 0 ? codec::Cbor::map({})
                            : tlog::predecessor_payload({origin_at(n - 1), before}, SystemTime())));
    if (n + 1 < kShards) {
      log.add(entry_of(origin, tlog::kShardKind,
                       tlog::shard_end_payload({SystemTime(), origin_at(n + 1)})));
    }
    const std::uint64_t size = n + 1 < kShards ? 2 : 9;
    before = log.grow_to(size).note();
    serve(n == 0 ? "log" : "log/" + std::to_string(2026 + n), log, origin, size);
  }
  start(line(first_signer_, "log") + "quorum none\n");
  EXPECT_NE(metrics_with(entries_of(origin_at(kShards - 1), 9)), "");
  EXPECT_THAT(monitor_.log(), Not(HasSubstr("is not followed")));
  EXPECT_NE(ready_with(200, ""), "");
  monitor_.process().stop();
  site_.stop();  // before what it shows ends
}

TEST_F(MonitorChainTest, FindsASuccessorThatBeginsWithAnotherCheckpoint) {
  close_first();
  ServedLog fork(first_signer_, "other ");
  begin_next(fork.grow_to(300).note());
  start(line(first_signer_, "log") + "quorum none\n");
  EXPECT_NE(ready_with(503, "broken-chain"), "");
  EXPECT_THAT(monitor_.log(), HasSubstr("Both are signed"));
}

TEST_F(MonitorChainTest, ChecksASuccessorThatAPolicyNamesToo) {
  close_first();
  ServedLog fork(first_signer_, "other ");
  begin_next(fork.grow_to(280).note());
  start(line(first_signer_, "log") + line(next_signer_, "log/2027") + "quorum none\n");
  EXPECT_NE(ready_with(503, "broken-chain"), "");
}

// A monitor that was away for longer than the next log serves its entries.
TEST_F(MonitorChainTest, SaysWhereTheBeginOfASuccessorWasPrunedAndGoesOn) {
  using std::chrono::hours;
  close_first();
  next_.add(
      entry_of(kNext, tlog::kGenesis, tlog::predecessor_payload({kChain, last_}, SystemTime())));
  next_.grow_to(300);
  next_.add(entry_of(kNext, tlog::kRetentionKind,
                     tlog::retention_payload({hours(24), hours(24)}, SystemTime())));
  next_.add(
      entry_of(kNext, tlog::kPruningKind, tlog::pruning_payload({300, 256, 256}, SystemTime())));
  next_.grow_to(400);
  serve("log/2027", next_, kNext, 400);  // links, as they are made of what is stored
  next_.prune_to(256);
  site_.show("log/2027/retention", std::string(as_text(next_.disk.objects.at("retention"))));
  start(line(first_signer_, "log") + "quorum none\n");
  ASSERT_NE(metrics_with(entries_of(kNext, 400)), "");
  ASSERT_NE(ready_with(200, ""), "");
  EXPECT_THAT(monitor_.log(), HasSubstr("whether the log follows " + kChain + " cannot be told"));
  EXPECT_THAT(metrics(), Not(HasSubstr("broken-chain")));
}

TEST_F(MonitorChainTest, FindsEntriesBehindTheEnd) {
  close_first();
  begin_next(last_);
  start(line(first_signer_, "log") + "quorum none\n");
  ASSERT_NE(metrics_with(entries_of(kNext, 5)), "");
  first_.grow_to(301);
  EXPECT_NE(ready_with(503, "broken-chain: entry 299 closes the log"), "");
}

}  // namespace
}  // namespace avouch::testing
