#include "adapters/file_material.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "adapters/files.h"
#include "config/objects.h"
#include "provision/file_list.h"
#include "reference/digest_list.h"

namespace avouch::adapters {
namespace {

using appraisal::ConfigMapData;
using codec::Json;

constexpr std::size_t kMaxFiles = 10'000;
constexpr std::string_view kApiVersion = "avouch.dev/v1alpha1";

Result<std::vector<Json>> read_objects(const std::filesystem::path& path) {
  AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(path, config::kMaxObjectsBytes));
  if (!bytes) return rejected(path.string() + ": there is no such file");
  return config::parse_objects(as_text(*bytes), path.string());
}

bool holds_objects(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

std::string no_text_at(const std::string& where, const std::string& key) {
  return where + ": data." + key + ": expected text";
}

Result<ConfigMapData> data_of(const Json& object, const std::string& where) {
  ConfigMapData out;
  if (auto text = appraisal::require_text(object); !text.has_value()) {
    return rejected(where + " " + text.error().message);
  }
  const Json* data = object.find("data");
  if (data == nullptr || data->is_null()) return out;
  if (data->as_object() == nullptr) return rejected(where + ": data: expected an object");
  for (const auto& [key, value] : *data->as_object()) {
    if (value.as_string() == nullptr) return rejected(no_text_at(where, key));
    out[key] = *value.as_string();
  }
  return out;
}

Result<reference::DigestList> read_list(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return rejected(path.string() + ": cannot be opened");
  reference::DigestListReader reader;
  std::array<char, 64 * 1024> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    const std::string_view read(piece.data(), static_cast<std::size_t>(in.gcount()));
    AVOUCH_CHECK(reader.feed(as_bytes(read)));
  }
  if (in.bad()) return rejected(path.string() + ": cannot be read");
  return std::move(reader).finish();
}

}  // namespace

Result<void> FileMaterial::add_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (!at->is_regular_file(failed)) continue;
    if (files.size() == kMaxFiles) {
      return rejected(folder.string() + ": more than " + std::to_string(kMaxFiles) + " files");
    }
    files.push_back(at->path());
  }
  if (failed) return rejected(folder.string() + ": " + failed.message());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    if (holds_objects(file)) {
      AVOUCH_CHECK(add_objects(file));
    } else {
      lists_.push_back(file);
    }
  }
  return {};
}

void FileMaterial::set_config_map(const attest::ConfigMapName& name, ConfigMapData data) {
  config_maps_[name] = std::move(data);
}

Result<void> FileMaterial::add_objects(const std::filesystem::path& file) {
  AVOUCH_TRY(const std::vector<Json> objects, read_objects(file));
  for (const Json& object : objects) AVOUCH_CHECK(add_object(object, file.string()));
  return {};
}

Result<void> FileMaterial::add_object(const Json& object, const std::string& where) {
  const std::string kind(object.text({"kind"}));
  const std::string name(object.text({"metadata", "name"}));
  if (kind == "AttestationPolicy") return {};
  if (kind != "ReferenceManifest" && kind != "ConfigMap") {
    return rejected(where + ": kind \"" + kind + "\": expected ReferenceManifest or ConfigMap");
  }
  const std::string what = where + ": " + kind + " \"" + name + "\"";
  const std::string_view version = kind == "ConfigMap" ? "v1" : kApiVersion;
  if (object.text({"apiVersion"}) != version) {
    return rejected(what + ": apiVersion \"" + std::string(object.text({"apiVersion"})) +
                    "\": expected " + std::string(version));
  }
  if (name.empty()) return rejected(what + ": metadata.name is missing");
  if (kind == "ConfigMap") {
    const std::string ns(object.text({"metadata", "namespace"}));
    if (ns.empty()) return rejected(what + ": metadata.namespace is missing");
    AVOUCH_TRY(ConfigMapData data, data_of(object, what));
    if (!config_maps_.emplace(attest::ConfigMapName{ns, name}, std::move(data)).second) {
      return rejected(what + " of namespace \"" + ns + "\" is given twice");
    }
    return {};
  }
  const Json* spec = object.find("spec");
  auto manifest = reference::parse_manifest(name, spec == nullptr ? Json() : *spec);
  if (!manifest.has_value()) return rejected(what + ": " + manifest.error().message);
  if (!manifests_.emplace(name, *std::move(manifest)).second) {
    return rejected(what + " is given twice");
  }
  return {};
}

Result<ConfigMapData> FileMaterial::config_map(const attest::ConfigMapName& name) {
  const auto found = config_maps_.find(name);
  if (found == config_maps_.end()) return rejected("is not among the files");
  return found->second;
}

Result<std::shared_ptr<const reference::Manifest>> FileMaterial::manifest(const std::string& name) {
  const auto found = manifests_.find(name);
  if (found == manifests_.end()) return rejected("is not among the files");
  return found->second;
}

Result<std::shared_ptr<const reference::DigestSet>> FileMaterial::digest_list(
    const reference::ListSource& source) {
  if (const auto* digest = std::get_if<crypto::Sha256>(&source)) return find_list(*digest);
  AVOUCH_TRY(const ConfigMapData data, config_map(std::get<attest::ConfigMapName>(source)));
  AVOUCH_TRY(const reference::DigestList list, reference::read_digest_lists(data));
  return list.set;
}

Result<std::shared_ptr<const reference::DigestSet>> FileMaterial::find_list(
    const crypto::Sha256& digest) {
  std::string problems;
  while (!read_.contains(digest) && !lists_.empty()) {
    const std::filesystem::path path = std::move(lists_.back());
    lists_.pop_back();
    auto list = read_list(path);
    if (list.has_value()) {
      read_.emplace(list->content, list->set);
    } else {
      problems += "; " + path.string() + " is no list: " + list.error().message;
    }
  }
  const auto found = read_.find(digest);
  if (found == read_.end()) {
    return rejected("no file with the digest " + attest::digest_text(digest) + problems);
  }
  return found->second;
}

Result<attest::Policy> read_policy_file(const std::filesystem::path& path) {
  AVOUCH_TRY(const std::vector<Json> objects, read_objects(path));
  const Json* policy = nullptr;
  std::string found;
  for (const Json& object : objects) {
    const std::string_view kind = object.text({"kind"});
    if (kind != "AttestationPolicy") {
      if (found.empty())
        found = ", but an object of kind \"" + provision::printable_path(kind) + "\"";
      continue;
    }
    if (policy != nullptr)
      return rejected(path.string() + ": holds more than one AttestationPolicy");
    policy = &object;
  }
  if (policy == nullptr) return rejected(path.string() + ": holds no AttestationPolicy" + found);
  if (policy->text({"apiVersion"}) != kApiVersion) {
    return rejected(path.string() + ": apiVersion: expected " + std::string(kApiVersion));
  }
  const std::string name(policy->text({"metadata", "name"}));
  if (name.empty()) return rejected(path.string() + ": metadata.name is missing");
  const Json* spec = policy->find("spec");
  auto parsed = attest::parse_policy(name, spec == nullptr ? Json() : *spec);
  if (!parsed.has_value()) return rejected(path.string() + ": " + parsed.error().message);
  return parsed;
}

}  // namespace avouch::adapters
