#include "adapters/rest_witness.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "adapters/files.h"
#include "adapters/rest_transport.h"

namespace avouch::adapters {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kMaxAuthoritiesBytes = 4UL * 1024 * 1024;

// "Text/Plain; charset=utf-8" is "text/plain".
std::string type_of(const std::string& content_type) {
  std::string type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

class RestWitness final : public tlog::WitnessExchange {
 public:
  RestWitness(std::unique_ptr<RestTransport> transport, std::chrono::milliseconds timeout)
      : transport_(std::move(transport)), timeout_(timeout) {}

  Result<tlog::WitnessReply> add_checkpoint(const std::string& body,
                                            std::stop_token stop) override {
    HttpRequest request;
    request.method = "POST";
    request.path = "/add-checkpoint";
    request.headers.add("Content-Type", "text/plain; charset=utf-8");
    request.body = body;
    return send(std::move(request), std::move(stop));
  }

  Result<tlog::WitnessReply> checkpoint(const std::string& origin_digest_hex,
                                        std::stop_token stop) override {
    HttpRequest request;
    request.method = "GET";
    request.path = "/" + origin_digest_hex + "/checkpoint";
    return send(std::move(request), std::move(stop));
  }

 private:
  Result<tlog::WitnessReply> send(HttpRequest request, std::stop_token stop) {
    request.headers.add("User-Agent", "avouch-log");
    auto response = transport_->send(request, timeout_, std::move(stop));
    if (!response.has_value()) return retryable(response.error().message);
    return tlog::WitnessReply{response->status, type_of(response->content_type),
                              std::move(response->body)};
  }

  const std::unique_ptr<RestTransport> transport_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

Result<std::unique_ptr<tlog::WitnessExchange>> open_rest_witness(
    const RestWitnessOptions& options) {
  RestOptions rest;
  rest.base_url = options.url;
  while (rest.base_url.ends_with('/')) rest.base_url.pop_back();
  rest.ca_pem = options.ca_pem;
  rest.max_body_bytes = tlog::kMaxWitnessReplyBytes;
  rest.plain_on_loopback = true;
  AVOUCH_TRY(auto transport, RestTransport::create(std::move(rest)));
  return std::unique_ptr<tlog::WitnessExchange>(
      std::make_unique<RestWitness>(std::move(transport), options.timeout));
}

Result<std::string> witness_authorities(const std::filesystem::path& file) {
  const std::filesystem::path path = file.empty() ? kSystemAuthorities : file;
  AVOUCH_TRY(const std::optional<Bytes> pem, read_file(path, kMaxAuthoritiesBytes));
  if (!pem) {
    return rejected(path.string() +
                    ": does not exist. Name a file with the authorities of the witnesses' "
                    "certificates, or install the system's list (package ca-certificates)");
  }
  return std::string(as_text(*pem));
}

}  // namespace avouch::adapters
