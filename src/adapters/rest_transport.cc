#include "adapters/rest_transport.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <boost/asio/ssl.hpp>
#include <mutex>
#include <utility>

#include "adapters/files.h"
#include "adapters/rest_exchange.h"
#include "adapters/system_clock.h"
#include "adapters/token_source.h"
#include "crypto/x509.h"

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using web::http::http_request;
using web::http::client::http_client;
using web::http::client::http_client_config;

// One, as the library closes sockets without regard to another thread's work on them (see
// RestExchange::abandon). Nothing of ours blocks in the pool.
constexpr std::size_t kPoolThreads = 1;
constexpr std::size_t kStreamWindow = 1024 * 1024;
constexpr std::size_t kMaxPemBytes = 1024 * 1024;
// The library's own time-out must never be the first one to pass.
constexpr std::chrono::hours kLibraryTimeout{24};

void start_pool_once() {
  static std::once_flag once;
  std::call_once(once, [] { crossplat::threadpool::initialize_with_threads(kPoolThreads); });
}

std::string pem_or_file(const std::string& pem, const std::string& file) {
  if (file.empty()) return pem;
  const auto content = read_file(file, kMaxPemBytes);
  if (!content.has_value()) throw std::runtime_error(content.error().message);
  if (!content->has_value()) throw std::runtime_error(file + ": does not exist");
  return std::string(as_text(**content));
}

// Called by the library for each new connection, after it has loaded the system's authorities.
void set_up_tls(boost::asio::ssl::context& context, const RestOptions& options,
                const std::string& ca_pem) {
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cert_store(native, X509_STORE_new());  // which forgets the system's authorities
  X509_STORE_set_flags(SSL_CTX_get_cert_store(native), X509_V_FLAG_PARTIAL_CHAIN);
  context.add_certificate_authority(boost::asio::buffer(ca_pem));
  const std::string certificate =
      pem_or_file(options.client_certificate_pem, options.client_certificate_file);
  if (certificate.empty()) return;
  const std::string key = pem_or_file(options.client_key_pem, options.client_key_file);
  context.use_certificate_chain(boost::asio::buffer(certificate));
  context.use_private_key(boost::asio::buffer(key), boost::asio::ssl::context::pem);
}

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

Result<void> check_request(const HttpRequest& request) {
  const auto is_printable = [](char c) { return c == ' ' || c == '\t' || is_visible(c); };
  const auto all = [](const std::string& text, auto rule) {
    return std::all_of(text.begin(), text.end(), rule);
  };
  if (request.path.empty() || request.path.front() != '/' || !all(request.path, is_visible) ||
      request.path.find_first_of("?#") != std::string::npos) {
    return rejected("request: path: expected '/' and percent-encoded text");
  }
  if (!all(request.query, is_visible) || request.query.find('#') != std::string::npos) {
    return rejected("request: query: expected percent-encoded text");
  }
  for (const auto& [name, value] : request.headers.list()) {
    if (name.empty() || !all(name, is_visible) || name.find(':') != std::string::npos ||
        !all(value, is_printable)) {
      return rejected("request: header \"" + name.substr(0, 64) +
                      "\": expected a name and a value of printable ASCII");
    }
  }
  return {};
}

Result<void> check_ca(const std::string& pem) {
  const auto certificates = crypto::Certificate::list_from_pem(pem);
  if (!certificates.has_value()) return with_context(certificates.error(), "server CA");
  return {};
}

// The library looks an IPv6 address up, and compares it with the certificate, as it stands in the
// URI: it finds it only without brackets.
web::uri without_brackets(const web::uri& uri) {
  const std::string& host = uri.host();
  if (!host.starts_with('[') || !host.ends_with(']')) return uri;
  return web::uri_builder(uri).set_host(host.substr(1, host.size() - 2)).to_uri();
}

// The library reads a port that is no number as none.
bool has_good_port(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  const std::string authority = url.substr(begin, url.find('/', begin) - begin);
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string::npos || authority.ends_with(']')) return true;
  const std::string port = authority.substr(colon + 1);
  return !port.empty() && port.size() <= 5 &&
         port.find_first_not_of("0123456789") == std::string::npos && std::stoi(port) <= 65535;
}

bool is_plain_loopback(const web::uri& uri) {
  const std::string& host = uri.host();
  return uri.scheme() == "http" && (host == "127.0.0.1" || host == "[::1]" || host == "localhost");
}

Result<web::uri> check_url(const std::string& text, bool plain_on_loopback) {
  const Error bad = rejected(
      "server URL \"" + text.substr(0, 256) + "\": expected https://HOST[:PORT][/PREFIX]" +
      (plain_on_loopback ? ", or http:// with a host of 127.0.0.1, [::1] or localhost" : ""));
  try {
    const web::uri uri(text);
    const bool has_scheme =
        uri.scheme() == "https" || (plain_on_loopback && is_plain_loopback(uri));
    if (!has_scheme || uri.host().empty() || !uri.user_info().empty() || !uri.query().empty() ||
        !uri.fragment().empty() || !has_good_port(text)) {
      return bad;
    }
    return without_brackets(uri);
  } catch (const std::exception&) {
    return bad;
  }
}

// Cuts pieces of a body into lines.
class LineCutter {
 public:
  LineCutter(std::size_t limit, const kube::Transport::OnLine& on_line)
      : limit_(limit), on_line_(on_line) {}

  Result<void> take(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      const std::string_view part = piece.substr(0, end);
      if (line_.size() + part.size() > limit_) {
        return rejected("stream: a line of more than " + std::to_string(limit_) + " bytes");
      }
      if (end == std::string_view::npos) {
        line_ += part;
        return {};
      }
      piece.remove_prefix(end + 1);
      if (line_.empty()) {
        if (!part.empty()) AVOUCH_CHECK(on_line_(part));
        continue;
      }
      line_ += part;
      AVOUCH_CHECK(on_line_(line_));
      line_.clear();
    }
    return {};
  }

 private:
  const std::size_t limit_;
  const kube::Transport::OnLine& on_line_;
  std::string line_;
};

}  // namespace

struct RestTransport::Impl {
  Impl(RestOptions given, web::uri url)
      : options(std::move(given)),
        uri(std::move(url)),
        peer(options.base_url),
        tokens(options.token, options.token_file, clock) {}

  // Connections made under another CA belong to another client.
  void trust(const std::string& ca_pem) {
    http_client_config config;
    config.set_timeout(kLibraryTimeout);
    config.set_max_redirects(0);
    config.set_validate_certificates(true);
    config.set_ssl_context_callback(
        [this_options = options, ca_pem](boost::asio::ssl::context& context) {
          set_up_tls(context, this_options, ca_pem);
        });
    auto fresh = std::make_shared<http_client>(uri, config);
    const std::lock_guard guard(mutex);
    client.swap(fresh);
  }

  std::shared_ptr<http_client> current() {
    const std::lock_guard guard(mutex);
    return client;
  }

  Result<std::shared_ptr<RestExchange>> start(const HttpRequest& request, std::size_t window) {
    AVOUCH_CHECK(check_request(request));
    AVOUCH_TRY(const std::string token, tokens.token());
    auto exchange = std::make_shared<RestExchange>(peer, window);
    try {
      http_request message(request.method);
      message.set_request_uri(
          web::uri(request.path + (request.query.empty() ? "" : "?" + request.query)));
      for (const auto& [name, value] : request.headers.list()) message.headers().add(name, value);
      if (!request.body.empty()) {
        const auto type = request.headers.find("Content-Type");
        message.set_body(std::string(request.body),
                         std::string(type.value_or("application/octet-stream")));
      }
      if (!token.empty()) message.headers().add("Authorization", "Bearer " + token);
      exchange->start(*current(), message);
    } catch (const std::exception& exception) {
      return rejected(peer + ": request cannot be sent: " + exception.what());
    }
    return exchange;
  }

  SystemClock clock;
  const RestOptions options;
  const web::uri uri;
  const std::string peer;
  TokenSource tokens;
  std::mutex mutex;
  std::shared_ptr<http_client> client;
};

RestTransport::RestTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestTransport::~RestTransport() = default;

Result<std::unique_ptr<RestTransport>> RestTransport::create(RestOptions options) {
  AVOUCH_TRY(web::uri uri, check_url(options.base_url, options.plain_on_loopback));
  if (uri.scheme() == "https") AVOUCH_CHECK(check_ca(options.ca_pem));
  const bool has_certificate =
      !options.client_certificate_pem.empty() || !options.client_certificate_file.empty();
  const bool has_key = !options.client_key_pem.empty() || !options.client_key_file.empty();
  if (has_certificate != has_key) {
    return rejected("client certificate and key go together: one is missing");
  }
  if (!options.token.empty()) {
    AVOUCH_TRY(options.token, checked_token(options.token, "token"));
  }
  start_pool_once();
  try {
    if (uri.scheme() == "https") {
      // A certificate that does not load is better known now than at the first connection.
      boost::asio::ssl::context probe(boost::asio::ssl::context::tls_client);
      set_up_tls(probe, options, options.ca_pem);
    }
    const std::string ca_pem = options.ca_pem;
    auto impl = std::make_unique<Impl>(std::move(options), std::move(uri));
    impl->trust(ca_pem);
    return std::unique_ptr<RestTransport>(new RestTransport(std::move(impl)));
  } catch (const std::exception& exception) {
    return retryable(std::string("client certificate or key: ") + exception.what());
  }
}

Result<void> RestTransport::replace_ca(const std::string& pem) {
  AVOUCH_CHECK(check_ca(pem));
  impl_->trust(pem);
  return {};
}

Result<HttpResponse> RestTransport::send(const HttpRequest& request, milliseconds timeout,
                                         std::stop_token stop) {
  const auto deadline = steady_clock::now() + timeout;
  AVOUCH_TRY(auto exchange, impl_->start(request, kStreamWindow));
  RestCall call(std::move(exchange));
  AVOUCH_TRY(HttpResponse response, call->wait_for_head(deadline, stop));
  while (true) {
    AVOUCH_TRY(const auto piece, call->next_piece(deadline, stop));
    if (!piece) return response;
    if (response.body.size() + piece->size() > impl_->options.max_body_bytes) {
      return rejected(impl_->peer + ": " + request.method + " " + request.path +
                      ": the answer's body has more than " +
                      std::to_string(impl_->options.max_body_bytes) + " bytes");
    }
    response.body += *piece;
  }
}

Result<HttpResponse> RestTransport::stream(const HttpRequest& request,
                                           const kube::StreamLimits& limits, const OnLine& on_line,
                                           std::stop_token stop) {
  const auto begun = steady_clock::now();
  const auto end = begun + limits.total_timeout;
  AVOUCH_TRY(auto exchange, impl_->start(request, kStreamWindow));
  RestCall call(std::move(exchange));
  AVOUCH_TRY(HttpResponse response,
             call->wait_for_head(std::min(end, begun + limits.head_timeout), stop));
  LineCutter lines(limits.line_bytes, on_line);
  while (true) {
    const auto deadline = std::min(end, steady_clock::now() + limits.read_timeout);
    AVOUCH_TRY(const auto piece, call->next_piece(deadline, stop));
    if (!piece) return response;
    if (response.status == 200) {
      AVOUCH_CHECK(lines.take(*piece));
    } else if (response.body.size() + piece->size() <= kStreamWindow) {
      response.body += *piece;
    } else {
      return rejected(impl_->peer + ": the body of an error answer has more than " +
                      std::to_string(kStreamWindow) + " bytes");
    }
  }
}

}  // namespace avouch::adapters
