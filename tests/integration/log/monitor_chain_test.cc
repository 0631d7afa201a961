// `avouch-log monitor` as a process, of logs that follow one another.

#include "crypto/random.h"
#include "integration/log/monitor_process.h"
#include "tlog/entry.h"
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
