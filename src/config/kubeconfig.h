#pragma once

// The part of a kubeconfig file that says how to reach an API server.

#include <string>

#include "base/result.h"

namespace avouch::config {

// One context, resolved. At most one of each pair of data and file is set; *-data fields are
// decoded; file names are absolute or relative to the kubeconfig's own folder, already joined.
struct KubeContext {
  std::string name;
  std::string server;  // "https://host:port[/prefix]"
  std::string ns;      // default namespace of the context, or ""
  std::string ca_pem;
  std::string client_certificate_pem, client_certificate_file;
  std::string client_key_pem, client_key_file;
  std::string token, token_file;
};

// Reads `yaml`, at most 1 MiB, as found in `folder` ("" is the current one), and resolves `context`
// ("" is the file's current-context). certificate-authority files are read.
//
// kRejected, every error listed with its line: no such context, cluster or user; bad base64;
// settings that this client does not have and must not ignore (insecure-skip-tls-verify,
// proxy-url, tls-server-name, exec, auth-provider, username, password, impersonation).
Result<KubeContext> parse_kubeconfig(const std::string& yaml, const std::string& folder,
                                     const std::string& context = {});
Result<KubeContext> load_kubeconfig(const std::string& file, const std::string& context = {});

}  // namespace avouch::config
