#pragma once

// Names of resources in the API, and the URL paths they stand for.

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace avouch::kube {

using codec::Json;

// A resource type and the namespace to work in ("" for cluster-scoped types and for "all
// namespaces" in lists).
struct ResourcePath {
  std::string group;    // "" is the core group
  std::string version;  // "v1"
  std::string plural;   // "nodes"
  std::string ns;

  // "/api/v1/namespaces/NS/pods/NAME/status"; the parts after the plural are left out when empty.
  // kRejected for a part that cannot stand in a path as it is (anything but letters, digits, '-',
  // '.', '_', '~', ':').
  Result<std::string> path(std::string_view name = {}, std::string_view subresource = {}) const;
  std::string api_version() const;                          // "v1", "apps/v1"
  std::string describe(std::string_view name = {}) const;   // "pods NS/NAME", for messages
  ResourcePath in(std::string_view other_namespace) const;  // the same type elsewhere
  bool operator==(const ResourcePath&) const = default;
};

ResourcePath nodes();
ResourcePath namespaces();
ResourcePath pods(std::string_view ns = {});
ResourcePath secrets(std::string_view ns = {});
ResourcePath config_maps(std::string_view ns = {});
ResourcePath service_accounts(std::string_view ns = {});
ResourcePath events(std::string_view ns = {});
ResourcePath leases(std::string_view ns = {});
ResourcePath validating_webhook_configurations();
ResourcePath attestation_policies();
ResourcePath attestation_evidences();
ResourcePath reference_manifests();

// "NS/NAME", or "NAME" for cluster-scoped objects; "" when the object has no name.
std::string object_key(const Json& object);

// Percent-encodes everything but unreserved characters: for values in queries.
std::string url_encode(std::string_view text);

}  // namespace avouch::kube
