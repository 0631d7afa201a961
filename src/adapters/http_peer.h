#pragma once

// Who is at the other end of a socket. Internal to the server.

#include <boost/asio/ip/tcp.hpp>
#include <string>

namespace avouch::adapters {

struct HttpPeer {
  std::string address;  // "address:port"; an IPv4 address that came over IPv6 is an IPv4 address
  std::string network;  // as HttpRequest::network
};

HttpPeer peer_of(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace avouch::adapters
