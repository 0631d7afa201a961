#include "cli/manifest_output.h"

#include <iostream>

#include "base/listing.h"
#include "base/time_text.h"
#include "provision/yaml_text.h"

namespace avouch::cli {
namespace {

void remark(const std::string& text) { std::cerr << "kubectl avouch: " << text << '\n'; }

}  // namespace

Result<std::string> read_text(const std::string& file, std::size_t max_bytes) {
  AVOUCH_TRY(const Bytes bytes, read_input(file, max_bytes));
  return std::string(as_text(bytes));
}

Result<std::optional<SystemTime>> read_time(const char* option, const std::string& text) {
  if (text.empty()) return std::optional<SystemTime>();
  const auto time = from_rfc3339(text);
  if (!time.has_value()) return with_context(time.error(), option);
  return std::optional(*time);
}

Result<void> put(const std::string& output, const std::string& text, IfThere if_there) {
  if (!output.empty()) return write_output(output, as_bytes(text), if_there);
  std::cout << text;  // whether that works is main.cc's to see
  return {};
}

Result<provision::ManifestOptions> options_of(const MakeOptions& options) {
  provision::ManifestOptions to{.name = options.name, .provider = options.provider};
  if (!provision::is_object_name(to.name)) {
    return rejected("--name: \"" + options.name +
                    "\" is not the name of a Kubernetes object: 1 to 253 of a-z, 0-9, - and .");
  }
  AVOUCH_CHECK(check_output(options.output, options.if_there));
  AVOUCH_CHECK(check_output(options.list_file, options.if_there));
  if (!options.output.empty() && options.output == options.list_file) {
    return rejected("--output and --list name the same file: give two names");
  }
  AVOUCH_TRY(to.not_before, read_time("--not-before", options.not_before));
  AVOUCH_TRY(to.not_after, read_time("--not-after", options.not_after));
  if (options.split) to.place = provision::ListPlace::kSplit;
  if (!options.list_file.empty()) to.place = provision::ListPlace::kFile;
  if (!options.list_namespace.empty()) to.place = provision::ListPlace::kConfigMap;
  to.list_namespace = options.list_namespace;
  return to;
}

Result<Exit> finish(provision::Draft draft, const provision::ManifestOptions& to,
                    const MakeOptions& options) {
  auto tried = provision::make_manifests(draft, to);
  if (!tried.has_value()) {
    const std::string from = options.node.empty() ? list_of_some(options.inputs, 8)
                                                  : "evidence of node \"" + options.node + "\"";
    return with_context(tried.error(), from);
  }
  const provision::Manifests made = *std::move(tried);
  if (!made.list.empty()) AVOUCH_CHECK(put(options.list_file, made.list, options.if_there));
  AVOUCH_CHECK(
      put(options.output, provision::to_yaml(made.objects, draft.remarks), options.if_there));
  for (const std::string& text : draft.remarks) remark(text);
  return Exit::kGood;
}

}  // namespace avouch::cli
