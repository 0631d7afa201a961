#include "adapters/rest_disputes.h"

#include <utility>

#include "adapters/rest_transport.h"
#include "adapters/system_clock.h"
#include "adapters/token_source.h"
#include "inspect/log_post.h"
#include "inspect/remark_upload.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxAnswerBytes = 256 * 1024;  // entry, content and receipt

class RestDisputes final : public tlog::DisputeTaker {
 public:
  RestDisputes(std::unique_ptr<RestTransport> transport, RestDisputesOptions options)
      : options_(std::move(options)),
        transport_(std::move(transport)),
        tokens_("", options_.token_file, clock_) {}

  const std::string& origin() const override { return options_.origin; }

  Result<std::uint64_t> take(const tlog::RemarkRequest& dispute) override {
    AVOUCH_TRY(const std::string token, tokens_.token());
    HttpRequest request;
    request.method = "POST";
    request.path = inspect::remark_path(dispute.remark.kind);
    request.headers.add("User-Agent", "avouch-log");
    request.headers.add("Content-Type", "application/cbor");
    request.headers.add("Avouch-Token", token);  // Authorization is a proxy's own
    request.body = as_text(tlog::format_remark_request(dispute));
    const auto response = transport_->send(request, options_.timeout, options_.stop);
    if (!response.has_value()) return retryable(response.error().message);
    const std::string what =
        "POST " + options_.url + request.path + ": " + std::to_string(response->status) + ": ";
    if (response->status == 201) {
      const auto recorded = inspect::parse_recorded(as_bytes(response->body));
      if (!recorded.has_value()) return retryable(what + recorded.error().message);
      return recorded->index;
    }
    const std::string why = what + inspect::refusal_of(*response);
    return response->status >= 500 || response->status == 429 ? retryable(why) : rejected(why);
  }

 private:
  SystemClock clock_;
  const RestDisputesOptions options_;
  const std::unique_ptr<RestTransport> transport_;
  TokenSource tokens_;
};

}  // namespace

Result<std::unique_ptr<tlog::DisputeTaker>> open_rest_disputes(RestDisputesOptions options) {
  while (options.url.ends_with('/')) options.url.pop_back();
  RestOptions rest;
  rest.base_url = options.url;
  rest.ca_pem = options.ca_pem;
  rest.max_body_bytes = kMaxAnswerBytes;
  rest.plain_on_loopback = true;
  AVOUCH_TRY(auto transport, RestTransport::create(std::move(rest)));
  return std::unique_ptr<tlog::DisputeTaker>(
      std::make_unique<RestDisputes>(std::move(transport), std::move(options)));
}

}  // namespace avouch::adapters
