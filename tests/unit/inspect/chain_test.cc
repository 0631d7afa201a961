// Logs that follow one another, as a release serves them: proven, and every way to lie about it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/random.h"
#include "inspect/verify.h"
#include "support/answering_transport.h"
#include "support/manual_clock.h"
#include "support/served_log.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/shard.h"
#include "tlog/shard_name.h"

namespace avouch::inspect {
namespace {

using ::testing::HasSubstr;

const std::string kChain = "log";
const std::string kProxied =
    "/api/v1/namespaces/avouch-system/services/https:avouch-controller:443/proxy";

const crypto::PrivateKey& chain_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  return key;
}
const crypto::PrivateKey& verifier_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return key;
}

struct Shard {
  explicit Shard(const std::string& of_label)
      : label(of_label),
        signer(tlog::NoteSigner::make(tlog::shard_origin(kChain, label), chain_key()).value()),
        log(signer, of_label + " entry ") {}
  const std::string& origin() const { return signer.verifier().name; }
  std::string prefix() const { return "/log/" + label + (label.empty() ? "" : "/"); }
  void add(std::string_view kind, codec::Cbor payload) {
    log.add(tlog::make_entry(verifier_key(),
                             {origin(), "log:1", std::string(kind), std::move(payload)},
                             crypto::system_random())
                .value());
  }
  void begin_after(const Shard& before) {
    add(tlog::kGenesis, tlog::predecessor_payload({before.origin(), before.note}, SystemTime()));
  }
  void grow(std::uint64_t size) { note = log.grow_to(size).note(); }
  void close(const std::string& next, std::uint64_t size) {
    log.grow_to(size - 1);
    add(tlog::kShardKind, tlog::shard_end_payload({SystemTime(), next}));
    grow(size);
  }

  std::string label;
  tlog::NoteSigner signer;
  testing::ServedLog log;
  std::string note;
};

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() {
    transport.otherwise([this](const HttpRequest& request) { return serve(request); });
    first.close("log/2026", 7);
    second.begin_after(first);
    second.close("log/2027", 300);
    third.begin_after(second);
    third.grow(5);
  }

  HttpResponse serve(const HttpRequest& request) {
    if (!request.path.starts_with(kProxied)) return {.status = 500, .body = "?"};
    const std::string path = request.path.substr(kProxied.size());
    Shard* best = nullptr;
    for (Shard* shard : shards) {
      if (path.starts_with(shard->prefix()) &&
          (best == nullptr || shard->prefix().size() > best->prefix().size())) {
        best = shard;
      }
    }
    if (path == "/log/shards") return {.status = 200, .body = list};
    if (best == nullptr) return {.status = 404, .body = "{}"};
    const std::string rest = path.substr(best->prefix().size());
    if (rest == "shard") {
      if (const auto lie = shard_lies.find(best->label); lie != shard_lies.end()) {
        return {.status = 200, .body = lie->second};
      }
      const auto resource =
          tlog::make_shard_resource(best->log.store, best->origin(), size_of(*best));
      return {.status = 200, .body = std::string(as_text(*resource))};
    }
    const auto found = best->log.store.fetch(rest);
    if (!found.has_value() || !*found) return {.status = 404, .body = "{}"};
    return {.status = 200, .body = std::string(as_text(**found))};
  }
  static std::uint64_t size_of(Shard& shard) {
    const tlog::NoteVerifier key = shard.signer.verifier();
    return tlog::fetch_checkpoint(shard.log.store, std::span(&key, 1), key.name)->size();
  }

  TrustAnchors anchors() const {
    return {{verifier_key().public_key()},
            {*tlog::make_verifier(kChain, chain_key().public_key())},
            kChain,
            "test"};
  }
  std::vector<UnverifiedShard> listed() {
    LogAccess access(transport, {}, "");
    return access.shards().value();
  }
  template <typename Ask>
  Result<ProofStep> ask(const Ask& question) {
    const kube::Client api(transport);
    LogAccess access(transport, {}, "");
    const auto all = access.shards().value();
    access.select(all.back());
    const TrustAnchors newest = anchors_for(anchors(), all.back().origin).value();
    Verifier verifier(api, access, newest, clock, [](const std::string&) {});
    verifier.look_in(all);
    return question(verifier);
  }
  Result<ProofStep> chain() {
    return ask([](Verifier& verifier) { return verifier.chain(""); });
  }
  void expect_broken(const std::string& words) {
    const auto proof = chain();
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_FALSE(all_hold(*proof));
    EXPECT_THAT(render_text(*proof), HasSubstr(words));
  }

  Shard first{""}, second{"2026"}, third{"2027"};
  std::vector<Shard*> shards{&first, &second, &third};
  std::map<std::string, std::string> shard_lies;
  std::string list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true},)"
                     R"({"origin":"log/2026","prefix":"/log/2026/","closed":true},)"
                     R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  testing::AnsweringTransport transport;
  testing::ManualClock clock;
};

TEST_F(ChainTest, IsProvenFromTheFirstLogToTheNewest) {
  const auto proof = chain();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->parts.size(), 3U);
  EXPECT_THAT(render_text(*proof), HasSubstr("log log/2026: checkpoint of 300 entries"));
}

// Whoever kept a checkpoint of an older log gets from there to now.
TEST_F(ChainTest, IsProvenFromACheckpointThatSomebodyKept) {
  for (Shard* shard : shards) {
    const auto proof = ask([&](Verifier& verifier) { return verifier.log(shard->note); });
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  }
  // One that is not of that log's history, but signed by its key.
  Shard fork("2026");
  fork.begin_after(first);
  fork.grow(100);
  const auto proof = ask([&](Verifier& verifier) { return verifier.log(fork.note); });
  ASSERT_TRUE(proof.has_value());
  EXPECT_FALSE(all_hold(*proof)) << render_text(*proof);
}

TEST_F(ChainTest, FailsWhereALogIsLeftOut) {
  list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true},)"
         R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  expect_broken("it names log/2026");
}

TEST_F(ChainTest, ProvesNothingWhereOlderOrNewerLogsAreHeldBack) {
  list = R"({"shards":[{"origin":"log/2026","prefix":"/log/2026/","closed":true},)"
         R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  expect_broken("its first entry names log, which the controller does not list");
  list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true},)"
         R"({"origin":"log/2026","prefix":"/log/2026/","closed":true}]})";
  expect_broken("log/2027 is not listed");
  // Whoever begins later by choice is told nothing of what was before.
  list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true},)"
         R"({"origin":"log/2026","prefix":"/log/2026/","closed":true},)"
         R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  const auto proof = ask([](Verifier& verifier) { return verifier.chain("log/2026"); });
  ASSERT_TRUE(proof.has_value());
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
}

TEST_F(ChainTest, FailsWhereALogWasCutShort) {
  Shard cut("2026");
  cut.begin_after(first);
  cut.close("log/2027", 200);
  second.log.disk = cut.log.disk;
  expect_broken("ends with another one, of 200");
}

TEST_F(ChainTest, FailsWhereALogIsNotClosed) {
  Shard open("2026");
  open.begin_after(first);
  open.grow(300);
  second.log.disk = open.log.disk;
  expect_broken("it is open");
}

TEST_F(ChainTest, FailsWhereANewLogFollowsNone) {
  Shard alone("2027");
  alone.grow(5);
  third.log.disk = alone.log.disk;
  expect_broken("it names no log before it");
}

TEST_F(ChainTest, FailsWhereTheLinksAreMadeUp) {
  shard_lies["2026"] = "{}";
  expect_broken("what it says of its neighbours holds");
  shard_lies["2026"] = R"({"version":1,"entries":[]})";
  expect_broken("it names no log before it");
}

TEST_F(ChainTest, KnowsNoKeyButTheChains) {
  const auto signer =
      tlog::NoteSigner::make("log/2027", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  testing::ServedLog forged(signer);
  forged.grow_to(5);
  third.log.disk = forged.disk;
  expect_broken("is signed by the log");
}

TEST_F(ChainTest, ReadsTheListStrictly) {
  EXPECT_EQ(listed().size(), 3U);
  for (const char* bad : {R"({"shards":[{"origin":"log","prefix":"/log"}]})",
                          R"({"shards":[{"origin":"log","prefix":"/api/"}]})",
                          R"({"shards":[{"origin":"log","prefix":"/log/../x/"}]})",
                          R"({"shards":[{"origin":"log","prefix":"/log/?x/"}]})",
                          R"({"shards":[{"prefix":"/log/"}]})", R"({"shards":{}})", "nonsense"}) {
    list = bad;
    LogAccess access(transport, {}, "");
    EXPECT_FALSE(access.shards().has_value()) << bad;
  }
  transport.on(kProxied + "/log/shards",
               [](const HttpRequest&) { return HttpResponse{.status = 404, .body = "{}"}; });
  EXPECT_TRUE(listed().empty());  // of a controller that has one log
}

TEST_F(ChainTest, AsksForContentOfTheLogThatIsSelected) {
  std::vector<std::string> queries;
  transport.on(kProxied + "/v1/log/entries", [&](const HttpRequest& request) {
    queries.push_back(request.query);
    return HttpResponse{.status = 200, .body = R"({"entries":[]})"};
  });
  LogAccess access(transport, {}, "token");
  EXPECT_TRUE(access.list("node=n", 1).has_value());
  access.select({"log/2026", "/log/2026/", true});
  EXPECT_TRUE(access.list("node=n", 1).has_value());
  EXPECT_EQ(queries, (std::vector<std::string>{"node=n&limit=1", "node=n&limit=1&log=log%2F2026"}));
  EXPECT_FALSE(access.receipt(3).has_value()) << "the newest log's alone";
}

TEST(AnchorsFor, AreOfTheChainsLogsAlone) {
  const TrustAnchors chain{
      {}, {*tlog::make_verifier(kChain, chain_key().public_key())}, kChain, ""};
  const auto shard = anchors_for(chain, "log/2027");
  ASSERT_TRUE(shard.has_value());
  EXPECT_EQ(shard->origin, "log/2027");
  EXPECT_EQ(shard->issuer(), "log");
  EXPECT_EQ(shard->log_keys.front().name, "log/2027");
  EXPECT_EQ(anchors_for(*shard, "log/2028")->issuer(), "log");
  EXPECT_FALSE(anchors_for(chain, "another/2027").has_value());
  EXPECT_FALSE(anchors_for(*shard, "log/2027/2028").has_value());
}

}  // namespace
}  // namespace avouch::inspect
