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

tlog::NewEntry entry_of(const std::string& origin, std::string_view kind, codec::Cbor payload) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return tlog::make_entry(key, {origin, "log:1", std::string(kind), std::move(payload)},
                          crypto::system_random())
      .value();
}

// Logs that follow one another, each with two entries but the last, which has nine.
class LongChain {
 public:
  LongChain(int shards, const crypto::PrivateKey& key) {
    std::string before;
    for (int n = 0; n < shards; ++n) {
      const std::string origin = origin_at(n);
      const bool is_last = n + 1 == shards;
      signers_.push_back(
          std::make_unique<tlog::NoteSigner>(tlog::NoteSigner::make(origin, key).value()));
      ServedLog& log = *logs_.emplace_back(std::make_unique<ServedLog>(*signers_.back()));
      log.add(entry_of(origin, tlog::kGenesis,
                       n == 0
                           ? codec::Cbor::map({})
                           : tlog::predecessor_payload({origin_at(n - 1), before}, SystemTime())));
      if (!is_last) {
        log.add(entry_of(origin, tlog::kShardKind,
                         tlog::shard_end_payload({SystemTime(), origin_at(n + 1)})));
      }
      before = log.grow_to(size_at(n, shards)).note();
    }
  }
  static std::string origin_at(int n) {
    return n == 0 ? kChain : kChain + "/" + std::to_string(2026 + n);
  }
  static std::string part_at(int n) { return n == 0 ? "log" : "log/" + std::to_string(2026 + n); }
  static std::uint64_t size_at(int n, int shards) { return n + 1 < shards ? 2 : 9; }
  int size() const { return static_cast<int>(logs_.size()); }
  ServedLog& log(int n) { return *logs_[static_cast<std::size_t>(n)]; }

 private:
  std::vector<std::unique_ptr<tlog::NoteSigner>> signers_;
  std::vector<std::unique_ptr<ServedLog>> logs_;
};

class MonitorChainTest : public MonitorProcessTest {
 protected:
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
  void serve(LongChain& chain) {
    for (int n = 0; n < chain.size(); ++n) {
      serve(LongChain::part_at(n), chain.log(n), LongChain::origin_at(n),
            LongChain::size_at(n, chain.size()));
    }
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
  LongChain chain(14, key_);
  serve(chain);
  start(line(first_signer_, "log") + "quorum none\n");
  EXPECT_NE(metrics_with(entries_of(LongChain::origin_at(13), 9)), "");
  EXPECT_THAT(monitor_.log(), Not(HasSubstr("is not followed")));
  EXPECT_NE(ready_with(200, ""), "");
  monitor_.process().stop();
  site_.stop();  // before what it shows ends
}

TEST_F(MonitorChainTest, LeavesOtherLogsTheirPlaces) {
  LongChain chain(3, key_);
  serve(chain);
  std::string lines = line(first_signer_, "log");
  for (int n = 1; n < 64; ++n) {  // 128 places
    const auto other =
        tlog::NoteSigner::make("log.example/x" + std::to_string(n),
                               crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
            .value();
    lines += line(other, "none");
  }
  start(lines + "quorum none\n");
  EXPECT_NE(metrics_with(entries_of(LongChain::origin_at(1), 2)), "");
  EXPECT_NE(ready_with(503, "log " + LongChain::origin_at(2) +
                                ", which follows it, is not followed: more than 2 logs of one "
                                "chain"),
            "");
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

// A log closes itself, and says of any other that it follows: that is held against none but itself.
TEST_F(MonitorChainTest, TakesNoLogOfAnotherChainOrKeyForTheOneThatFollows) {
  const std::string other = "log.example/other";
  const auto own_key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const tlog::NoteSigner stranger = tlog::NoteSigner::make(kNext, own_key).value();
  const tlog::NoteSigner other_signer = tlog::NoteSigner::make(other, own_key).value();
  for (const bool is_of_another_key : {false, true}) {
    const std::string& named = is_of_another_key ? kNext : other;
    const tlog::NoteSigner& signer = is_of_another_key ? stranger : other_signer;
    ServedLog hostile(first_signer_), honest(signer);
    hostile.add(entry_of(kChain, tlog::kGenesis, codec::Cbor::map({})));
    hostile.add(entry_of(kChain, tlog::kShardKind, tlog::shard_end_payload({SystemTime(), named})));
    hostile.grow_to(2);
    honest.add(entry_of(named, tlog::kGenesis, codec::Cbor::map({})));
    honest.grow_to(20);
    serve("log", hostile, kChain, 2);
    serve("honest", honest, named, 20);
    start(line(first_signer_, "log") + line(signer, "honest") + "quorum none\n");
    const std::string ready =
        ready_with(503, "log " + named + ", which follows it, is not followed");
    EXPECT_THAT(ready, HasSubstr("[-] " + kChain));
    ASSERT_NE(metrics_with(entries_of(named, 20)), "");
    honest.grow_to(30);
    ASSERT_NE(metrics_with(entries_of(named, 30)), "");  // and looked at again
    EXPECT_NE(ready_with(503, "[+] " + named + " ok"), "");
    EXPECT_THAT(metrics(), Not(HasSubstr("broken-chain")));
    monitor_.process().stop();
    site_.serve("log", nullptr);
    site_.serve("honest", nullptr);
    std::filesystem::remove_all(monitor_.file("state"));
  }
}

// Two of the chain say that the same one follows them. Which it is that one says itself.
TEST_F(MonitorChainTest, HoldsALogAgainstTheOneThatItFollowsWhoeverElseClaimsIt) {
  const std::string second = kChain + "/2026";
  const tlog::NoteSigner second_signer = tlog::NoteSigner::make(second, key_).value();
  for (const bool is_broken : {false, true}) {
    ServedLog claims(first_signer_), genuine(second_signer), forked(second_signer),
        next(next_signer_);
    claims.add(entry_of(kChain, tlog::kGenesis, codec::Cbor::map({})));
    claims.add(entry_of(kChain, tlog::kShardKind, tlog::shard_end_payload({SystemTime(), kNext})));
    claims.grow_to(2);
    std::string last;
    for (ServedLog* each : {&genuine, &forked}) {
      each->add(entry_of(second, tlog::kGenesis, codec::Cbor::map({})));
      each->add(entry_of(second, tlog::kShardKind, tlog::shard_end_payload({SystemTime(), kNext})));
      if (each == &genuine || is_broken) last = each->grow_to(2).note();
    }
    next.add(
        entry_of(kNext, tlog::kGenesis, tlog::predecessor_payload({second, last}, SystemTime())));
    next.grow_to(5);
    serve("log", claims, kChain, 2);
    serve("log/2026", genuine, second, 2);
    serve("log/2027", next, kNext, 5);
    start(line(first_signer_, "log") + line(second_signer, "log/2026") +
          line(next_signer_, "log/2027") + "quorum none\n");
    if (is_broken) {
      EXPECT_NE(ready_with(503, "broken-chain: it begins with another checkpoint of " + second),
                "");
    } else {
      const std::string ready =
          ready_with(503, "log " + kNext + ", which it says follows it, follows " + second);
      EXPECT_THAT(ready, HasSubstr("[-] " + kChain + ":"));
      EXPECT_THAT(ready, HasSubstr("[+] " + kNext + " ok"));
      EXPECT_THAT(monitor_.log(), HasSubstr("the log follows another"));
    }
    monitor_.process().stop();
    for (const char* part : {"log", "log/2026", "log/2027"}) site_.serve(part, nullptr);
    std::filesystem::remove_all(monitor_.file("state"));
  }
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
