#include "inspect/list_upload.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using testing::AnsweringTransport;

const std::string kList = "a list";
const ReleaseName kRelease{.name = "avouch", .ns = "avouch-system"};

class ListUpload : public ::testing::Test {
 protected:
  // Answers the next requests with these, in order.
  void answer(std::vector<HttpResponse> answers) {
    transport.on(
        "/api/v1/namespaces/avouch-system/services/https:avouch-controller:443/proxy/"
        "v1/lists/sha256:" +
            to_hex(crypto::sha256(kList)),
        [this, answers = std::move(answers)](const HttpRequest& request) {
          EXPECT_EQ(request.headers.find("Avouch-Token"), "the token");
          asked.push_back(request.method + " " + request.body);
          return answers.at(asked.size() - 1);
        });
  }
  static HttpResponse of(int status, std::string_view code) {
    return status < 300
               ? HttpResponse{.status = status, .content_type = "", .headers = {}, .body = ""}
               : problem(status, code, "why");
  }
  Result<Uploaded> upload() {
    return upload_list(transport, kRelease, "the token", as_bytes(kList), [this] { ++pauses; });
  }

  AnsweringTransport transport;
  std::vector<std::string> asked;
  int pauses = 0;
};

TEST_F(ListUpload, AsksFirstAndThenSends) {
  answer({of(404, "NoSuchList"), of(201, "")});
  const auto done = upload();
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(*done, Uploaded::kSent);
  EXPECT_EQ(asked, (std::vector<std::string>{"GET ", "PUT a list"}));
}

TEST_F(ListUpload, SendsNothingThatIsThere) {
  answer({of(204, "")});
  EXPECT_EQ(upload().value(), Uploaded::kWasThere);
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(ListUpload, SendsAgainWhatWasPutOffButNotForEver) {
  answer({of(503, "Overloaded"), of(404, "NoSuchList"), of(503, "TryAgain"), of(201, "")});
  EXPECT_EQ(upload().value(), Uploaded::kSent);
  EXPECT_EQ(pauses, 2);
  asked.clear();
  answer(std::vector<HttpResponse>(20, of(503, "Overloaded")));
  const auto never = upload();
  ASSERT_FALSE(never.has_value());
  EXPECT_EQ(never.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(asked.size(), static_cast<std::size_t>(kMaxAttempts));
}

TEST_F(ListUpload, SaysWhyItIsRefused) {
  answer({of(403, "NotEntitled")});
  const auto refused = upload();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_NE(refused.error().message.find("403: why"), std::string::npos) << refused.error().message;
  asked.clear();
  answer({of(404, "NoSuchList"), of(400, "DigestMismatch")});
  EXPECT_FALSE(upload().has_value());
}

// The API server's own 404: there is no such release, and nothing is sent.
TEST_F(ListUpload, TakesTheApiServersAnswerForNoneOfTheControllers) {
  const auto missing = upload();
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::kRejected);
}

}  // namespace
}  // namespace avouch::inspect
