#include "kube/api_error.h"

#include <gtest/gtest.h>

namespace avouch::kube {
namespace {

using std::chrono::seconds;

HttpResponse answer(int status, std::string body, HttpHeaders headers = {}) {
  return {status, "application/json", std::move(headers), std::move(body)};
}

TEST(ApiError, KeepsCodeAndReasonOfTheStatusObject) {
  const ApiError error =
      api_error_from(answer(404, R"({"kind":"Status","apiVersion":"v1","status":"Failure",
                      "message":"nodes \"n1\" not found","reason":"NotFound","code":404})"),
                     "get nodes n1");
  EXPECT_TRUE(error.is_not_found());
  EXPECT_EQ(error.code, 404);
  EXPECT_EQ(error.reason, "NotFound");
  EXPECT_EQ(error.kind, ErrorKind::kRejected);
  EXPECT_EQ(error.message, "get nodes n1: 404 NotFound: nodes \"n1\" not found");
}

TEST(ApiError, TellsAConflictFromAnExistingObject) {
  const auto with_reason = [](const char* reason) {
    return api_error_from(
        answer(409, std::string(R"({"kind":"Status","reason":")") + reason + "\"}"), "x");
  };
  EXPECT_TRUE(with_reason("Conflict").is_conflict());
  EXPECT_FALSE(with_reason("Conflict").is_already_exists());
  EXPECT_TRUE(with_reason("AlreadyExists").is_already_exists());
  EXPECT_FALSE(with_reason("AlreadyExists").is_conflict());
}

TEST(ApiError, IsRetryableExactlyWhereTheServerMayAnswerOtherwiseLater) {
  for (int code = 300; code < 600; ++code) {
    const bool passing = code == 401 || code == 408 || code == 429 || code >= 500;
    EXPECT_EQ(api_error_from(answer(code, ""), "x").kind,
              passing ? ErrorKind::kRetryable : ErrorKind::kRejected)
        << code;
  }
}

TEST(ApiError, TakesTheTimeToWaitFromHeaderOrStatus) {
  EXPECT_EQ(api_error_from(answer(429, "", {{"retry-after", "7"}}), "x").retry_after, seconds(7));
  EXPECT_EQ(
      api_error_from(answer(503, R"({"kind":"Status","details":{"retryAfterSeconds":3}})"), "x")
          .retry_after,
      seconds(3));
  EXPECT_EQ(api_error_from(answer(429, "", {{"Retry-After", "999999"}}), "x").retry_after,
            seconds(300));
  for (const char* text :
       {"", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999"}) {
    EXPECT_EQ(api_error_from(answer(429, "", {{"Retry-After", text}}), "x").retry_after,
              std::nullopt)
        << text;
  }
}

TEST(ApiError, QuotesAForeignBodyShortAndWithoutControlCharacters) {
  const ApiError error = api_error_from(answer(502, "bad\x1b[31m\ngateway"), "x");
  EXPECT_EQ(error.message, "x: 502: bad [31m gateway");
  EXPECT_LT(api_error_from(answer(502, std::string(100000, 'a')), "x").message.size(), 400U);
  EXPECT_EQ(error.reason, "");
}

TEST(ApiError, SaysWhatToDoAboutCredentials) {
  EXPECT_NE(api_error_from(answer(401, ""), "x").message.find("token"), std::string::npos);
  EXPECT_NE(api_error_from(answer(403, ""), "x").message.find("RBAC"), std::string::npos);
}

TEST(ApiError, ReadsTheStatusOfAnErrorEvent) {
  const auto status = codec::parse_json(
      R"({"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"})");
  const ApiError error = api_error_from_status(*status, "watch nodes");
  EXPECT_TRUE(error.is_gone());
  EXPECT_EQ(error.message, "watch nodes: 410 Expired: too old resource version");
  EXPECT_EQ(api_error_from_status(codec::Json(), "x").code, 0);
  EXPECT_EQ(api_error_from_status(codec::Json(), "x").kind, ErrorKind::kRetryable);
}

Result<int> plain(const ApiResult<int>& from) {
  AVOUCH_TRY(const int value, from);
  return value;
}

TEST(ApiResult, ConvertsToAPlainResult) {
  EXPECT_EQ(plain(ApiResult<int>(3)).value(), 3);
  ApiError error(rejected("no"));
  error.code = 404;
  EXPECT_EQ(plain(ApiResult<int>(error)).error().message, "no");
}

}  // namespace
}  // namespace avouch::kube
