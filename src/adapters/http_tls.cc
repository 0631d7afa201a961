#include "adapters/http_tls.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <fstream>
#include <iterator>

#include "crypto/x509.h"

namespace avouch::adapters {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::size_t kMaxPemBytes = 256 * 1024;

boost::asio::const_buffer buffer(const std::string& text) {
  return boost::asio::buffer(text.data(), text.size());
}

Error unusable(const char* what, const error_code& error) {
  return rejected(std::string("TLS ") + what + ": " + error.message());
}

Result<std::shared_ptr<ssl::context>> make_context(const TlsMaterial& material) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                       ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                       ssl::context::no_compression);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  error_code error;
  context->use_certificate_chain(buffer(material.certificate_pem), error);
  if (error) return unusable("certificate", error);
  // OpenSSL checks here that the key is the certificate's.
  context->use_private_key(buffer(material.key_pem), ssl::context::pem, error);
  if (error)
    return unusable("key (it must be the certificate's, PEM, without a passphrase)", error);
  if (material.client_ca_pem.empty()) return context;
  context->add_certificate_authority(buffer(material.client_ca_pem), error);
  if (error) return unusable("client certificate authorities", error);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  if (error) return unusable("client verification", error);
  // Every connection shows its certificate anew: no session outlives a change of the authorities.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  return context;
}

Result<std::string> read_pem(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxPemBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (!in.is_open() || in.bad() || text.empty()) {
    return retryable("TLS file " + path.string() + ": cannot be read, or is empty");
  }
  if (text.size() > kMaxPemBytes) {
    return rejected("TLS file " + path.string() + ": larger than 256 KiB");
  }
  return text;
}

// Without one certificate in it nobody could ever be let in, and nobody be told why.
Result<std::string> read_authorities(const std::filesystem::path& path) {
  AVOUCH_TRY(std::string pem, read_pem(path));
  if (auto read = crypto::Certificate::list_from_pem(pem); !read.has_value()) {
    return with_context(std::move(read).error(), "authorities of clients in " + path.string());
  }
  return pem;
}

}  // namespace

TlsSource tls_from_files(std::filesystem::path certificate, std::filesystem::path key,
                         std::filesystem::path client_ca, std::string client_ca_source) {
  return
      [certificate = std::move(certificate), key = std::move(key), client_ca = std::move(client_ca),
       source = std::move(client_ca_source)]() -> Result<TlsMaterial> {
        TlsMaterial material;
        AVOUCH_TRY(material.certificate_pem, read_pem(certificate));
        AVOUCH_TRY(material.key_pem, read_pem(key));
        if (!client_ca.empty()) {
          auto authorities = read_authorities(client_ca);
          if (!authorities.has_value() && !source.empty()) {
            return Error{authorities.error().kind,
                         authorities.error().message + "; it comes from " + source};
          }
          AVOUCH_TRY(material.client_ca_pem, std::move(authorities));
        }
        return material;
      };
}

Result<void> TlsStore::use(const TlsMaterial& material) {
  {
    const std::lock_guard lock(mutex_);
    if (material_ == material) return {};
  }
  AVOUCH_TRY(auto context, make_context(material));
  AVOUCH_TRY(const auto chain, crypto::Certificate::list_from_pem(material.certificate_pem));
  const std::lock_guard lock(mutex_);
  material_ = material;
  context_ = std::move(context);
  not_after_ = chain.front().not_after();
  return {};
}

std::shared_ptr<ssl::context> TlsStore::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

std::optional<SystemTime> TlsStore::not_after() const {
  const std::lock_guard lock(mutex_);
  return not_after_;
}

}  // namespace avouch::adapters
