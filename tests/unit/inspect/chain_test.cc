// Logs that follow one another, as a release serves them: proven, and every way to lie about it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "codec/base64.h"
#include "crypto/random.h"
#include "inspect/shards.h"
#include "inspect/verify.h"
#include "kube/resource.h"
#include "support/answering_transport.h"
#include "support/manual_clock.h"
#include "support/served_log.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/shard.h"
#include "tlog/shard_name.h"
#include "tlog/stored_entry.h"

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
    if (path == "/log/shards") return {.status = list_status, .body = list};
    if (path.starts_with("/v1/log/entries/")) return serve_content(path, request.query);
    if (best == nullptr) return {.status = 404, .body = "{}"};
    const std::string rest = path.substr(best->prefix().size());
    if (rest == "shard") {
      if (hides_links) return {.status = 404, .body = "{}"};
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
  // Entry INDEX of the log that the query names, to whoever has a token.
  HttpResponse serve_content(const std::string& path, const std::string& query) {
    const auto of = std::find_if(shards.begin(), shards.end(), [&](Shard* shard) {
      return query == "log=" + kube::url_encode(shard->origin());
    });
    if (of == shards.end()) return {.status = 404, .body = "{}"};
    const tlog::NoteVerifier key = (*of)->signer.verifier();
    const auto at = tlog::fetch_checkpoint((*of)->log.store, std::span(&key, 1), key.name).value();
    const std::uint64_t index = std::stoull(path.substr(path.rfind('/') + 1));
    const auto kept = tlog::read_stored_entry((*of)->log.store, at, {}, index);
    if (!kept.has_value()) return {.status = 500, .body = kept.error().message};
    return {.status = 200,
            .body = R"({"index":)" + std::to_string(index) + R"(,"kind":"any","statement":")" +
                    codec::to_base64(kept->entry) + R"(","preimage":")" +
                    codec::to_base64(withholds ? Bytes{} : kept->preimage) + R"("})"};
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
    LogAccess access(transport, {}, reader);
    const auto all = list_shards(access, kChain).value();
    access.select(all.back());
    const TrustAnchors newest = anchors_for(anchors(), all.back().origin).value();
    Verifier verifier(api, access, newest, clock, [](const std::string&) {});
    verifier.look_in(all);
    return question(verifier);
  }
  Result<ProofStep> chain() {
    return ask([](Verifier& verifier) { return verifier.chain(""); });
  }
  // Nothing fails, and that is not proven.
  void expect_untold(const std::string& words) {
    const auto proof = chain();
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
    EXPECT_THAT(render_text(*proof), HasSubstr(words));
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
  bool hides_links = false, withholds = false;
  std::string reader;
  int list_status = 200;
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
  expect_broken("log/2027, which follows, is not listed");
  // Whoever begins later by choice is told nothing of what was before.
  list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true},)"
         R"({"origin":"log/2026","prefix":"/log/2026/","closed":true},)"
         R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  const auto proof = ask([](Verifier& verifier) { return verifier.chain("log/2026"); });
  ASSERT_TRUE(proof.has_value());
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
}

TEST_F(ChainTest, IsUntoldWhereTheFirstLogThatIsListedBeginsWithoutAWord) {
  Shard alone("2026");
  alone.close("log/2027", 300);
  second.log.disk = alone.log.disk;
  reader = "token";
  third.begin_after(alone);
  list = R"({"shards":[{"origin":"log/2026","prefix":"/log/2026/","closed":true}]})";
  expect_untold("its first entry is no genesis of this log");
}

// Nothing was done wrong: it is kept elsewhere by now.
TEST_F(ChainTest, ACheckpointOfALogThatIsNotListedIsUntold) {
  list = R"({"shards":[{"origin":"log/2026","prefix":"/log/2026/","closed":true},)"
         R"({"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  const auto proof = ask([&](Verifier& verifier) { return verifier.log(first.note); });
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof), HasSubstr("of log log, which the controller does not list"));
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
}

// A log that says nothing of its neighbours has none by that.
TEST_F(ChainTest, IsProvenByTheEntriesThemselvesWhereTheLinksAreHidden) {
  hides_links = true;
  expect_untold("what entry 0 says cannot be read: there is no token to read it with");
  expect_untold("what entry 6 says cannot be read: there is no token to read it with");
  reader = "token";
  const auto proof = chain();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  withholds = true;
  expect_untold("what entry 299 says cannot be read: it is withheld");
  hides_links = false;
  shard_lies["2026"] = R"({"version":1,"entries":[]})";
  expect_untold("what entry 299 says cannot be read: it is withheld");
}

TEST_F(ChainTest, FindsNeighboursThatAreNotListedWhereTheLinksAreHidden) {
  hides_links = true;
  for (const char* token : {"", "token"}) {
    reader = token;
    const bool reads = !reader.empty();
    // The newest log alone, as if there were no shards before it.
    list = R"({"shards":[{"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
    expect_untold(reads ? "its first entry names log/2026, which the controller does not list"
                        : "the log before it is listed, or there is none: what entry 0 says");
    // The last one closed, in favour of one that is held back.
    list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true}]})";
    expect_untold(reads ? "its last entry closes it, and log/2026, which follows, is not listed"
                        : "its last entry closes it, and what entry 6 says cannot be read");
    // No list at all.
    list_status = 404;
    expect_untold("it is the newest log");
    list_status = 200;
  }
}

TEST_F(ChainTest, ANewestLogThatIsClosedIsNotProvenByACheckpointEither) {
  list = R"({"shards":[{"origin":"log","prefix":"/log/","closed":true}]})";
  const auto since = [this](const std::string& note) {
    return ask([&](Verifier& verifier) { return verifier.log(note); });
  };
  for (const std::string& note : {std::string(), first.note}) {
    const auto proof = since(note);
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
    EXPECT_THAT(render_text(*proof), HasSubstr("log/2026, which follows, is not listed"));
  }
  // Whoever asked for that very log is told nothing of others.
  const kube::Client api(transport);
  LogAccess access(transport, {}, "");
  Verifier verifier(api, access, anchors(), clock, [](const std::string&) {});
  EXPECT_TRUE(all_hold(*verifier.log(first.note)));
}

// The first log of a chain that began with shards has a label, and none before it.
TEST_F(ChainTest, IsProvenOfAFirstLogWithALabel) {
  Shard alone("2027");
  alone.add(
      tlog::kGenesis,
      codec::Cbor::map({{codec::Cbor::text("type"), codec::Cbor::text("registration-policy")}}));
  alone.grow(5);
  third.log.disk = alone.log.disk;
  list = R"({"shards":[{"origin":"log/2027","prefix":"/log/2027/","closed":false}]})";
  expect_untold("what entry 0 says cannot be read");
  // Which is not asked of a checkpoint.
  EXPECT_TRUE(all_hold(*ask([](Verifier& verifier) { return verifier.log(""); })));
  reader = "token";
  const auto proof = chain();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof), HasSubstr("it is the first"));
  // Content that is none of that entry's.
  transport.on(kProxied + "/v1/log/entries/0", [](const HttpRequest&) {
    return HttpResponse{
        .status = 200,
        .body = R"({"index":0,"kind":"genesis","statement":"AAAA","preimage":"AAAA"})"};
  });
  expect_broken("what it says of its neighbours holds");
}

// Retention: entry 0 is not served any more, where a log is older than its entries are.
TEST_F(ChainTest, OfALogWhoseBeginWasPrunedIsUntold) {
  Shard pruned("2026");
  pruned.begin_after(first);
  pruned.grow(300);
  using std::chrono::hours;
  pruned.add(tlog::kRetentionKind, tlog::retention_payload({hours(24), hours(24)}, SystemTime()));
  pruned.add(tlog::kPruningKind, tlog::pruning_payload({300, 256, 256}, SystemTime()));
  pruned.grow(302);
  shard_lies["2026"] =  // as it is made of what is stored, all of which is there
      std::string(as_text(*tlog::make_shard_resource(pruned.log.store, "log/2026", 302)));
  pruned.log.prune_to(256);
  second.log.disk = pruned.log.disk;
  list = R"({"shards":[{"origin":"log/2026","prefix":"/log/2026/","closed":false}]})";
  reader = "token";
  expect_untold("its minimum index is 256");
  hides_links = true;
  expect_untold("its minimum index is 256");
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
                          R"({"shards":[{"prefix":"/log/"}]})", R"({"shards":{}})", "nonsense",
                          R"({"shards":[],"notServed":"log"})"}) {
    list = bad;
    LogAccess access(transport, {}, "");
    EXPECT_FALSE(access.shards().has_value()) << bad;
  }
  list = R"({"shards":[],"notServed":["log/2026"]})";
  LogAccess access(transport, {}, "");
  ASSERT_TRUE(access.shards().has_value());
  EXPECT_EQ(access.not_served(), std::vector<std::string>{"log/2026"});
  transport.on(kProxied + "/log/shards",
               [](const HttpRequest&) { return HttpResponse{.status = 404, .body = "{}"}; });
  EXPECT_TRUE(listed().empty());  // of a controller that has one log
}

// Another log than the newest is not read in its place.
TEST_F(ChainTest, AListThatCannotBeReadIsNoListOfOneLog) {
  LogAccess access(transport, {}, "");
  for (const int status : {503, 500, 403, 429}) {
    list_status = status;
    const auto found = list_shards(access, kChain);
    ASSERT_FALSE(found.has_value()) << status;
    EXPECT_EQ(found.error().kind, status == 403 ? ErrorKind::kRejected : ErrorKind::kRetryable);
    EXPECT_THAT(found.error().message, HasSubstr("which logs there are cannot be told"));
  }
  list_status = 404;
  const auto one = list_shards(access, kChain);
  ASSERT_TRUE(one.has_value());
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().origin, kChain);
  EXPECT_EQ(one->front().prefix, "/log/");

  list_status = 200;
  list = R"({"shards":[{"origin":"log/2027","prefix":"/log/2027/","closed":false},)"
         R"({"origin":"other/2028","prefix":"/log/2028/","closed":false},)"
         R"({"origin":"log","prefix":"/log/","closed":true}]})";
  const auto sorted = list_shards(access, kChain).value();
  ASSERT_EQ(sorted.size(), 2U);
  EXPECT_EQ(sorted.back().origin, "log/2027");
  EXPECT_EQ(find_shard(sorted, kChain, "--from", "2027").value(), 1U);
  EXPECT_EQ(find_shard(sorted, kChain, "--from", "log").value(), 0U);
  const auto none = find_shard(sorted, kChain, "--from", "2030");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().message,
            "--from 2030: there is no such log; expected one of log, log/2027");
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
