#include "adapters/http_peer.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace avouch::adapters {
namespace {

namespace ip = boost::asio::ip;

constexpr std::ptrdiff_t kNetworkBytes = 8;

std::string network_of(const ip::address& address) {
  if (!address.is_v6()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), static_cast<unsigned char>(0));
  return ip::make_address_v6(bytes).to_string() + "/64";
}

}  // namespace

HttpPeer peer_of(const ip::tcp::endpoint& endpoint) {
  ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
  }
  return {address.to_string() + ":" + std::to_string(endpoint.port()), network_of(address)};
}

}  // namespace avouch::adapters
