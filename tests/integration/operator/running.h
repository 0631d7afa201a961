#pragma once

// What these tests ask of a controller that runs: where it serves, by its log, and what it answers.

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <iterator>
#include <string>

#include "support/eventually.h"

namespace avouch::testing {

inline constexpr const char* kNamespace = "avouch-system";  // of the release

// For tests of other things than leases: an API server that stands still on a busy machine ends no
// leadership, and a controller that was stopped gives its lease up, so that the next need not wait.
inline constexpr const char* kPatientLeases =
    "leaderElection: {leaseDuration: 60s, renewDeadline: 40s, retryPeriod: 200ms}\n";

// "127.0.0.1:40001", of `part` ("health", "server"); "" while the log does not say.
inline std::string serving_address(const std::string& log, const std::string& part) {
  constexpr std::string_view kServing = "serving on ";
  const std::size_t line = log.find("part=\"" + part + "\" message=\"" + std::string(kServing));
  if (line == std::string::npos) return "";
  const std::size_t begin = log.find(kServing, line) + kServing.size();
  const std::size_t end = log.find('"', begin);
  return end == std::string::npos ? "" : log.substr(begin, end - begin);
}

inline boost::asio::ip::tcp::endpoint endpoint_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return {boost::asio::ip::make_address(address.substr(0, colon)),
          static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))};
}

// The answer to GET, head and body; "" where nothing answers.
inline std::string get(const std::string& address, const std::string& path) {
  if (address.empty()) return "";
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(std::chrono::seconds(20));
  stream.connect(endpoint_of(address));
  stream << "GET " << path << " HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n" << std::flush;
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The answer to a request over TLS, head and body; "" where nothing answers.
inline std::string ask(const std::string& address, const std::string& head,
                       const std::string& body = "") {
  if (address.empty()) return "";
  namespace asio = boost::asio;
  using asio::ip::tcp;
  asio::io_context io;
  asio::ssl::context context(asio::ssl::context::tls_client);
  asio::ssl::stream<tcp::socket> stream(io, context);
  boost::system::error_code failed;
  stream.lowest_layer().connect(endpoint_of(address), failed);
  if (failed) return "";
  stream.handshake(asio::ssl::stream_base::client, failed);
  if (failed) return "";
  asio::write(stream,
              asio::buffer(head + "Host: pod\r\nConnection: close\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body),
              failed);
  std::string answer;
  asio::read(stream, asio::dynamic_buffer(answer), failed);
  return answer;
}

// The value of a header of an answer; "" where there is none.
inline std::string header_of(const std::string& answer, const std::string& name) {
  const std::size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace avouch::testing
