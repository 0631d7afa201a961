// Statements of other parties, as kubectl avouch sends and verifies them.

#include <gmock/gmock.h>

#include "codec/cbor.h"
#include "inspect/proof_file.h"
#include "inspect/statement_upload.h"
#include "support/answering_transport.h"
#include "support/log_vectors.h"
#include "support/rekords.h"
#include "tlog/receipt.h"
#include "tlog/signed_statement.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;
using testing::AnsweringTransport;
using ::testing::HasSubstr;
using testing::LogVectors;

const ReleaseName kRegistrar{.name = "avouch", .ns = "avouch-system"};
constexpr const char* kPath =
    "/api/v1/namespaces/avouch-system/services/https:avouch-controller:443/proxy/entries";

class StatementUpload : public ::testing::Test {
 protected:
  void answer(std::vector<HttpResponse> answers) {
    transport.on(kPath, [this, answers = std::move(answers)](const HttpRequest& request) {
      EXPECT_EQ(request.method, "POST");
      EXPECT_EQ(request.headers.find("Avouch-Token"), "the token");
      EXPECT_EQ(request.headers.find("Content-Type"), "application/cose");
      EXPECT_EQ(request.body, "statement");
      return answers.at(static_cast<std::size_t>(asked++));
    });
  }
  static HttpResponse of(int status, std::string_view title = "Rejected") {
    HttpResponse out;
    out.status = status;
    out.body =
        as_text(codec::to_cbor(Cbor::map({{Cbor::integer(-1), Cbor::text(title)},
                                          {Cbor::integer(-2), Cbor::text("no such issuer")}})));
    return out;
  }
  Result<Registered> send() {
    return register_statement(transport, kRegistrar, "the token", to_bytes("statement"),
                              [this] { ++pauses; });
  }

  AnsweringTransport transport;
  int asked = 0, pauses = 0;
};

TEST_F(StatementUpload, GivesTheReceiptAndThePolicysEntry) {
  HttpResponse taken;
  taken.status = 201;
  taken.headers.add("Avouch-Registration-Policy", "2");
  taken.body = "receipt";
  answer({of(503, "Overloaded"), taken});
  const auto registered = send();
  ASSERT_TRUE(registered.has_value()) << registered.error().message;
  EXPECT_EQ(registered->receipt, to_bytes("receipt"));
  EXPECT_EQ(registered->policy_entry, "2");
  EXPECT_EQ(pauses, 1);
}

TEST_F(StatementUpload, SaysWhyInTheControllersWords) {
  answer({of(400)});
  const auto refused = send();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_THAT(refused.error().message, HasSubstr("400: Rejected: no such issuer"));
  asked = 0;
  answer({problem(403, "Forbidden", "may not use the proxy")});
  EXPECT_THAT(send().error().message, HasSubstr("may not use the proxy"));
  asked = 0;
  answer({of(405)});
  EXPECT_THAT(send().error().message, HasSubstr("controller.log.registration"));
  asked = 0;
  answer(std::vector<HttpResponse>(20, of(503)));
  EXPECT_EQ(send().error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(asked, 10);
}

class StatementProof : public ::testing::Test {
 protected:
  StatementProof() {
    const tlog::Hash sibling{};
    const auto root = tlog::root_from_inclusion(0, 2, tlog::leaf_hash(statement),
                                                std::vector<tlog::Hash>{sibling});
    const auto receipt =
        tlog::make_receipt(log_key, {.issuer = "log",
                                     .subject = "firmware/7",
                                     .inclusion = {.size = 2, .index = 0, .path = {sibling}},
                                     .root = root.value()});
    file = tlog::format_transparent_statement({statement, {receipt.value()}}).value();
  }
  ProofStep check(const std::vector<crypto::PublicKey>& issuer_keys,
                  const std::optional<Bytes>& content = std::nullopt) const {
    const crypto::PublicKey key = log_key.public_key();
    return check_transparent_statement(file, content, std::span(&key, 1), "log", issuer_keys);
  }

  const LogVectors vectors{"statements.txt"};
  const Bytes statement = vectors.bytes("es256");
  const crypto::PublicKey vendor =
      crypto::PublicKey::from_spki_der(vectors.bytes("p256-spki")).value();
  const crypto::PrivateKey log_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  Bytes file;
};

TEST_F(StatementProof, HoldsByTheIssuersKeysAndWithWhatItIsAbout) {
  const ProofStep whole = check({vendor}, to_bytes("what the vendor states"));
  EXPECT_TRUE(all_hold(whole)) << render_text(whole);
  EXPECT_THAT(render_text(whole), HasSubstr("signed by a key given for its issuer"));
  EXPECT_THAT(render_text(whole), HasSubstr("statement of another party"));
}

TEST_F(StatementProof, WithoutTheIssuersKeysItIsSaidThatTheyWereNotUsed) {
  const ProofStep noted = check({});
  EXPECT_TRUE(all_hold(noted)) << render_text(noted);
  EXPECT_THAT(render_text(noted), HasSubstr("who signed the statement was not checked"));
}

TEST_F(StatementProof, FailsByOtherKeysAndWithOtherContent) {
  EXPECT_FALSE(all_hold(check({log_key.public_key()})));
  EXPECT_FALSE(all_hold(check({vendor}, to_bytes("what it does not"))));
  const crypto::PublicKey other =
      crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  EXPECT_FALSE(all_hold(check_transparent_statement(file, std::nullopt, std::span(&other, 1), "log",
                                                    std::vector{vendor})));
}

// The entry is the first of two.
ProofStep check_rekord(ByteView entry, const std::vector<crypto::PublicKey>& issuer_keys,
                       const std::optional<Bytes>& content = std::nullopt) {
  const tlog::Hash sibling{};
  const auto root =
      tlog::root_from_inclusion(0, 2, tlog::leaf_hash(entry), std::vector<tlog::Hash>{sibling});
  const auto signer =
      tlog::NoteSigner::make("log", crypto::PrivateKey::generate(crypto::KeyType::kEd25519));
  const auto text = tlog::format_checkpoint({.origin = "log", .size = 2, .root = root.value()});
  const tlog::LogProof proof{.extra = Bytes(entry.begin(), entry.end()),
                             .index = 0,
                             .path = {sibling},
                             .note = tlog::sign_note(*text, std::span(&*signer, 1)).value()};
  return check_log_proof(proof, content,
                         {.log_keys = {signer->verifier()},
                          .origin = "log",
                          .verifier_keys = {},
                          .policy = std::nullopt,
                          .issuer_keys = issuer_keys});
}

TEST(HashedRekordProof, HoldsByTheKeyInItAndFailsByOthers) {
  for (const auto type : {crypto::KeyType::kEcP256, crypto::KeyType::kEcP384}) {
    const crypto::PrivateKey key = crypto::PrivateKey::generate(type);
    const auto rekord = testing::make_rekord(key, "what is signed");
    const Bytes entry = tlog::format_hashed_rekord(rekord);
    const ProofStep noted = check_rekord(entry, {});
    EXPECT_TRUE(all_hold(noted)) << render_text(noted);
    EXPECT_THAT(render_text(noted), HasSubstr("whose key it is was not checked"));
    const ProofStep whole = check_rekord(entry, {key.public_key()}, to_bytes("what is signed"));
    EXPECT_TRUE(all_hold(whole)) << render_text(whole);
    EXPECT_THAT(render_text(whole), HasSubstr("the digest is that of what was signed"));
    EXPECT_FALSE(all_hold(check_rekord(entry, {crypto::PrivateKey::generate(type).public_key()})));
    EXPECT_FALSE(all_hold(check_rekord(entry, {key.public_key()}, to_bytes("what is not"))));
    auto changed = rekord;
    changed.digest[0] ^= 1;
    EXPECT_FALSE(all_hold(check_rekord(tlog::format_hashed_rekord(changed), {})));
    EXPECT_FALSE(all_hold(check_rekord(to_bytes("{}"), {})));
  }
}

}  // namespace
}  // namespace avouch::inspect
