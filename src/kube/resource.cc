#include "kube/resource.h"

#include <algorithm>

#include "codec/utf8.h"

namespace avouch::kube {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// ':' stands in names of RBAC objects ("system:node") and needs no encoding in a path.
bool is_path_segment(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_unreserved(c) || c == ':'; });
}

ResourcePath core(std::string_view plural, std::string_view ns = {}) {
  return {"", "v1", std::string(plural), std::string(ns)};
}

ResourcePath avouch_resource(std::string_view plural) {
  return {"avouch.dev", "v1alpha1", std::string(plural), ""};
}

}  // namespace

Result<std::string> ResourcePath::path(std::string_view name, std::string_view subresource) const {
  std::string out = group.empty() ? "/api" : "/apis";
  Result<void> bad;
  const auto add = [&](std::string_view what, std::string_view segment) {
    if (!is_path_segment(segment) && bad.has_value()) {
      bad = rejected("resource path: " + std::string(what) + " " + codec::in_quotes(segment, 253) +
                     " cannot stand in a path: expected 1 to 253 letters, digits, '-', '.', '_', "
                     "'~' or ':'");
    }
    out.push_back('/');
    out += segment;
  };
  if (!group.empty()) add("group", group);
  add("version", version);
  if (!ns.empty()) {
    out += "/namespaces";
    add("namespace", ns);
  }
  add("resource", plural);
  if (!name.empty()) add("name", name);
  if (!subresource.empty()) add("subresource", subresource);
  AVOUCH_CHECK(bad);
  return out;
}

std::string ResourcePath::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string ResourcePath::describe(std::string_view name) const {
  std::string out = plural;
  if (!ns.empty() || !name.empty()) out.push_back(' ');
  if (!ns.empty()) out += ns + "/";
  return out + std::string(name);
}

ResourcePath ResourcePath::in(std::string_view other_namespace) const {
  return {group, version, plural, std::string(other_namespace)};
}

ResourcePath nodes() { return core("nodes"); }
ResourcePath namespaces() { return core("namespaces"); }
ResourcePath pods(std::string_view ns) { return core("pods", ns); }
ResourcePath secrets(std::string_view ns) { return core("secrets", ns); }
ResourcePath config_maps(std::string_view ns) { return core("configmaps", ns); }
ResourcePath service_accounts(std::string_view ns) { return core("serviceaccounts", ns); }
ResourcePath events(std::string_view ns) { return core("events", ns); }
ResourcePath leases(std::string_view ns) {
  return {"coordination.k8s.io", "v1", "leases", std::string(ns)};
}
ResourcePath validating_webhook_configurations() {
  return {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", ""};
}
ResourcePath attestation_policies() { return avouch_resource("attestationpolicies"); }
ResourcePath attestation_evidences() { return avouch_resource("attestationevidences"); }
ResourcePath reference_manifests() { return avouch_resource("referencemanifests"); }

std::string object_key(const Json& object) {
  const std::string_view name = object.text({"metadata", "name"});
  const std::string_view ns = object.text({"metadata", "namespace"});
  if (name.empty() || ns.empty()) return std::string(name);
  return std::string(ns) + "/" + std::string(name);
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

}  // namespace avouch::kube
