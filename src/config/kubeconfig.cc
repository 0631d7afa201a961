#include "config/kubeconfig.h"

#include <array>
#include <filesystem>
#include <string_view>

#include "codec/base64.h"
#include "config/reader.h"
#include "config/yaml.h"

namespace avouch::config {
namespace {

constexpr std::size_t kMaxTextBytes = 256 * 1024;

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text.substr(0, 80)) + "\"";
}

// Reads what one context needs; everything else in the file is other people's.
class Resolver {
 public:
  Resolver(const YamlNode& root, std::string folder, ConfigErrors& errors)
      : root_(root), folder_(std::move(folder)), errors_(errors) {}

  KubeContext resolve(const std::string& wanted) {
    KubeContext out;
    out.name = wanted.empty() ? text_of(root_, "current-context") : wanted;
    if (out.name.empty()) {
      errors_.add(root_.line, "current-context", "is missing; expected the name of a context");
      return out;
    }
    const YamlNode* context = entry("contexts", "context", out.name);
    if (context == nullptr) return out;
    const std::string cluster = text_of(*context, "cluster");
    const std::string user = text_of(*context, "user");
    out.ns = text_of(*context, "namespace");
    if (const YamlNode* node = entry("clusters", "cluster", cluster)) read_cluster(*node, out);
    // A context without a user reaches the server anonymously.
    if (!user.empty()) {
      if (const YamlNode* node = entry("users", "user", user)) read_user(*node, out);
    }
    return out;
  }

 private:
  static std::string text_of(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    return node != nullptr && node->kind == YamlNode::Kind::kScalar ? node->text : "";
  }

  // The map `inner` of the element of list `list` that is called `name`.
  const YamlNode* entry(std::string_view list, std::string_view inner, const std::string& name) {
    const YamlNode* entries = root_.find(list);
    if (entries != nullptr) {
      for (const YamlNode& item : entries->items) {
        if (item.kind != YamlNode::Kind::kMap || text_of(item, "name") != name) continue;
        const YamlNode* found = item.find(inner);
        if (found != nullptr && found->kind == YamlNode::Kind::kMap) return found;
        errors_.add(item.line, std::string(list) + "." + std::string(inner),
                    "of " + in_quotes(name) + " is missing; expected a map");
        return nullptr;
      }
    }
    errors_.add(entries == nullptr ? root_.line : entries->line, list,
                "has no entry called " + in_quotes(name));
    return nullptr;
  }

  void refuse(const YamlNode& map, std::string_view key, std::string_view instead) {
    const YamlNode* node = map.find(key);
    if (node == nullptr || node->kind == YamlNode::Kind::kNull) return;
    if (node->kind == YamlNode::Kind::kScalar && (node->text.empty() || node->text == "false")) {
      return;
    }
    errors_.add(node->line, key, "is not supported; " + std::string(instead));
  }

  std::string decoded(const YamlNode& map, std::string_view key) {
    const std::string text = text_of(map, key);
    if (text.empty()) return "";
    const auto bytes = codec::from_base64(text);
    if (bytes.has_value() && bytes->size() <= kMaxTextBytes) return std::string(as_text(*bytes));
    errors_.add(map.find(key)->line, key, "is not base64; expected standard base64 with padding");
    return "";
  }

  std::string file(const YamlNode& map, std::string_view key) {
    const std::filesystem::path path = text_of(map, key);
    if (path.empty() || path.is_absolute() || folder_.empty()) return path.string();
    return (std::filesystem::path(folder_) / path).string();
  }

  void read_cluster(const YamlNode& cluster, KubeContext& out) {
    for (const auto& [key, instead] : std::array<std::array<std::string_view, 2>, 3>{
             {{"insecure-skip-tls-verify", "give the server's CA in certificate-authority-data"},
              {"proxy-url", "reach the server directly"},
              {"tls-server-name", "use a server address that is in the server's certificate"}}}) {
      refuse(cluster, key, instead);
    }
    out.server = text_of(cluster, "server");
    while (out.server.ends_with('/')) out.server.pop_back();
    if (!out.server.starts_with("https://") || out.server.size() == 8) {
      errors_.add(cluster.line, "server",
                  "is " + in_quotes(out.server) + "; expected an https:// URL");
    }
    out.ca_pem = decoded(cluster, "certificate-authority-data");
    const std::string ca_file = file(cluster, "certificate-authority");
    if (out.ca_pem.empty() && !ca_file.empty()) {
      auto read = read_config_file(ca_file);
      if (read.has_value()) {
        out.ca_pem = std::move(read).value();
      } else {
        errors_.add(cluster.find("certificate-authority")->line, "certificate-authority",
                    read.error().message);
      }
    } else if (out.ca_pem.empty()) {
      errors_.add(cluster.line, "certificate-authority-data",
                  "is missing; expected the server's CA (the system's list is not used)");
    }
  }

  void read_user(const YamlNode& user, KubeContext& out) {
    for (const std::string_view key : {"exec", "auth-provider", "username", "password", "as",
                                       "as-uid", "as-groups", "as-user-extra"}) {
      refuse(user, key, "use a client certificate or a token");
    }
    out.client_certificate_pem = decoded(user, "client-certificate-data");
    out.client_key_pem = decoded(user, "client-key-data");
    if (out.client_certificate_pem.empty()) {
      out.client_certificate_file = file(user, "client-certificate");
    }
    if (out.client_key_pem.empty()) out.client_key_file = file(user, "client-key");
    const bool has_certificate =
        !out.client_certificate_pem.empty() || !out.client_certificate_file.empty();
    const bool has_key = !out.client_key_pem.empty() || !out.client_key_file.empty();
    if (has_certificate != has_key) {
      errors_.add(user.line, "client-certificate", "and client-key go together; one is missing");
    }
    out.token_file = file(user, "tokenFile");
    if (out.token_file.empty()) out.token = text_of(user, "token");
  }

  const YamlNode& root_;
  const std::string folder_;
  ConfigErrors& errors_;
};

Result<KubeContext> parse(const std::string& yaml, const std::string& folder,
                          const std::string& context, const std::string& name) {
  AVOUCH_TRY(const YamlNode root, parse_yaml(yaml, name));
  ConfigErrors errors(name);
  if (root.kind != YamlNode::Kind::kMap) {
    errors.add(1, "", "is " + std::string(kind_name(root.kind)) + "; expected a kubeconfig");
    return rejected(errors.text());
  }
  KubeContext out = Resolver(root, folder, errors).resolve(context);
  if (!errors.empty()) return rejected(errors.text());
  return out;
}

}  // namespace

Result<KubeContext> parse_kubeconfig(const std::string& yaml, const std::string& folder,
                                     const std::string& context) {
  return parse(yaml, folder, context, "kubeconfig");
}

Result<KubeContext> load_kubeconfig(const std::string& file, const std::string& context) {
  AVOUCH_TRY(const std::string yaml, read_config_file(file));
  return parse(yaml, std::filesystem::path(file).parent_path().string(), context, file);
}

}  // namespace avouch::config
