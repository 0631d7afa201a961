// The logs of a chain over HTTP: what is closed is served where it always was, and listed.

#include "control/shards_handler.h"

#include <gmock/gmock.h>

#include "codec/json.h"
#include "crypto/random.h"
#include "support/served_log.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/shard_name.h"

namespace avouch::control {
namespace {

using ::testing::HasSubstr;

const std::string kChain = "log.example/one";

const crypto::PrivateKey& chain_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  return key;
}
const crypto::PrivateKey& former_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  return key;
}
// The oldest was signed by a key that signs no more.
tlog::NoteSigner signer_for(const std::string& label) {
  return tlog::NoteSigner::make(tlog::shard_origin(kChain, label),
                                label.empty() ? former_key() : chain_key())
      .value();
}

// A closed log of 300 entries, and another reader of it each time it is opened.
struct ClosedOne {
  explicit ClosedOne(const std::string& label, const std::string& next)
      : signer(signer_for(label)), log(signer, label + " entry ") {
    static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
    log.grow_to(299);
    log.add(tlog::make_entry(key,
                             {signer.verifier().name, "log:1", std::string(tlog::kShardKind),
                              tlog::shard_end_payload({SystemTime(), next})},
                             crypto::system_random())
                .value());
    log.grow_to(300);
  }
  tlog::NoteSigner signer;
  testing::ServedLog log;
};

class ShardsHandlerTest : public ::testing::Test {
 protected:
  ShardsHandlerTest() {
    logs.emplace("", std::make_unique<ClosedOne>("", kChain + "/2026"));
    logs.emplace("2026", std::make_unique<ClosedOne>("2026", kChain + "/2027"));
  }

  Result<std::shared_ptr<const ClosedShard>> open(const std::string& label) {
    ++opened;
    const auto found = logs.find(label);
    if (found == logs.end()) return rejected("there is none");
    if (away) return retryable("the database is away: secret");
    auto store = std::make_unique<testing::MemoryLogStore>(found->second->log.disk);
    const tlog::NoteVerifier key = found->second->signer.verifier();
    AVOUCH_TRY(tlog::ClosedLog log, tlog::ClosedLog::open(*store, std::span(&key, 1), key.name));
    const std::string note = log.checkpoint().note() + (label == "2026" ? cosignature : "");
    return std::make_shared<const ClosedShard>(
        ClosedShard{label, std::move(store), std::move(log), note});
  }
  HttpResponse get(const std::string& path, const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    HttpResponse answer;
    handler.handle(std::move(request), nullptr,
                   [&](HttpResponse response) { answer = std::move(response); });
    return answer;
  }

  std::map<std::string, std::unique_ptr<ClosedOne>> logs;
  const std::string cosignature = "\u2014 witness AAAA\n";
  bool away = false;
  int opened = 0;
  // 2025 was taken away by somebody.
  ClosedShards closed{
      kChain, {"", "2025", "2026"}, [this](const std::string& label) { return open(label); }};
  ShardsHandler handler{{closed, "2027", {signer_for("2027").verifier()}}, nullptr};
};

TEST_F(ShardsHandlerTest, ListsAllThatAreThereOldestFirst) {
  const HttpResponse answer = get("/log/shards");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = codec::parse_json(answer.body).value();
  EXPECT_EQ(body.text({"chain"}), kChain);
  const auto& shards = *body.find("shards")->as_array();
  ASSERT_EQ(shards.size(), 3U);
  const std::vector<std::string> labels{"", "2026", "2027"};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(shards[i].text({"origin"}), tlog::shard_origin(kChain, labels[i]));
    EXPECT_EQ(shards[i].text({"vkey"}), tlog::format_vkey(signer_for(labels[i]).verifier()));
    EXPECT_EQ(shards[i].text({"prefix"}), shard_prefix(labels[i]));
    EXPECT_EQ(*shards[i].find("closed")->as_bool(), i < 2);
  }
  EXPECT_EQ(shards[0].text({"prefix"}), "/log/");
  EXPECT_EQ(shards[1].text({"prefix"}), "/log/2026/");
  EXPECT_EQ(*shards[1].find("size")->as_int(), 300);
  EXPECT_EQ(shards[1].text({"next"}), kChain + "/2027");
  EXPECT_EQ(shards[2].find("size"), nullptr);
  // Once is enough.
  const int before = opened;
  EXPECT_EQ(get("/log/shards", "HEAD").status, 200);
  EXPECT_EQ(opened, before + 1) << "what is not there is looked for again";
}

TEST_F(ShardsHandlerTest, ServesEachAtItsPrefix) {
  for (const std::string& label : {std::string(), std::string("2026")}) {
    const std::string prefix = shard_prefix(label);
    EXPECT_THAT(get(prefix + "checkpoint").body,
                HasSubstr(tlog::shard_origin(kChain, label) + "\n300\n"));
    EXPECT_THAT(get(prefix + "tile/entries/000").body, HasSubstr(label + " entry 7"));
    EXPECT_EQ(get(prefix + "tile/0/000").body.size(), 8192U);
    EXPECT_THAT(get(prefix + "shard").body, HasSubstr(R"("index":299)"));
    EXPECT_THAT(get(prefix + "retention").body, HasSubstr(R"("minimumIndex":0)"));
    EXPECT_EQ(get(prefix + "tile/0/009").status, 404);
    EXPECT_EQ(get(prefix).status, 404);
  }
  for (const char* path :
       {"/log/2025/checkpoint", "/log/2027/checkpoint", "/log/2028/checkpoint"}) {
    const HttpResponse answer = get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_THAT(answer.body, HasSubstr("/log/shards")) << path;
  }
  EXPECT_EQ(get("/log/checkpoint", "POST").status, 405);
}

TEST_F(ShardsHandlerTest, ShowsTheCosignaturesThatAreKept) {
  EXPECT_THAT(get("/log/2026/checkpoint").body, HasSubstr(cosignature));
  EXPECT_THAT(get("/log/2026/witnessed/checkpoint").body, HasSubstr(cosignature));
  EXPECT_EQ(get("/log/witnessed/checkpoint").status, 404);  // none are kept
}

TEST_F(ShardsHandlerTest, SaysNothingOfWhatKeepsItFromReading) {
  away = true;
  for (const char* path : {"/log/shards", "/log/2026/checkpoint"}) {
    const HttpResponse answer = get(path);
    EXPECT_EQ(answer.status, 503) << path;
    EXPECT_EQ(answer.headers.find("Retry-After"), "1");
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("secret")));
  }
  away = false;
  EXPECT_EQ(get("/log/2026/checkpoint").status, 200);
}

// The others are listed, and it is once it is there again.
TEST_F(ShardsHandlerTest, LeavesOutADamagedLogAndSaysSo) {
  auto& objects = logs.at("2026")->log.disk.objects;
  const auto whole = objects;
  objects.erase("tile/entries/001.p/44");
  ASSERT_EQ(objects.size() + 1, whole.size());
  EXPECT_EQ(get("/log/2026/checkpoint").status, 500);
  for (int again = 0; again < 2; ++again) {
    const HttpResponse answer = get("/log/shards");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto body = codec::parse_json(answer.body).value();
    const auto& shards = *body.find("shards")->as_array();
    ASSERT_EQ(shards.size(), 2U);
    EXPECT_EQ(shards[0].text({"origin"}), kChain);
    EXPECT_EQ(shards[1].text({"origin"}), kChain + "/2027");
    EXPECT_THAT(answer.body,
                HasSubstr(R"("notServed":["log.example/one/2025","log.example/one/2026"])"));
  }
  objects = whole;
  logs.emplace("2025", std::make_unique<ClosedOne>("2025", kChain + "/2026"));
  const auto body = codec::parse_json(get("/log/shards").body).value();
  EXPECT_EQ(body.find("shards")->as_array()->size(), 4U);
  EXPECT_EQ(body.find("notServed"), nullptr);
}

TEST(ClosedShards, KeepsFewOfThemOpen) {
  std::map<std::string, std::unique_ptr<ClosedOne>> logs;
  std::vector<std::string> labels;
  for (int month = 1; month <= 12; ++month) {
    const std::string label = "2026-" + std::string(month < 10 ? "0" : "") + std::to_string(month);
    labels.push_back(label);
    logs.emplace(label, std::make_unique<ClosedOne>(label, kChain + "/2027"));
  }
  std::map<std::string, int> opened;
  ClosedShards closed(kChain, labels,
                      [&](const std::string& label) -> Result<std::shared_ptr<const ClosedShard>> {
                        ++opened[label];
                        ClosedOne& one = *logs.at(label);
                        auto store = std::make_unique<testing::MemoryLogStore>(one.log.disk);
                        const tlog::NoteVerifier key = one.signer.verifier();
                        AVOUCH_TRY(tlog::ClosedLog log,
                                   tlog::ClosedLog::open(*store, std::span(&key, 1), key.name));
                        return std::make_shared<const ClosedShard>(
                            ClosedShard{label, std::move(store), std::move(log), ""});
                      });
  EXPECT_EQ(closed.list()->lines.size(), 12U);
  const auto held = closed.find("2026-12").value();
  for (int again = 0; again < 3; ++again) (void)closed.find("2026-12");
  EXPECT_EQ(opened["2026-12"], 1);
  EXPECT_EQ(closed.label_of(kChain + "/2026-03"), "2026-03");
  EXPECT_EQ(closed.label_of(kChain + "/2027-03"), std::nullopt);
  for (const std::string& label : labels) (void)closed.find(label);
  (void)closed.find("2026-01");
  EXPECT_GT(opened["2026-01"], 1) << "more than a few are kept open";
  EXPECT_EQ(held->label, "2026-12");  // whoever reads it has it still
}

}  // namespace
}  // namespace avouch::control
