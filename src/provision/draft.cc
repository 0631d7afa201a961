#include "provision/draft.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/time_text.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "reference/digest_list.h"

namespace avouch::provision {
namespace {

using codec::Json;

constexpr std::size_t kMaxComponents = 4096, kMaxCertificates = 256, kMaxSigners = 64;

template <typename T>
std::span<const T> part_of(const std::vector<T>& all, std::size_t part, std::size_t size) {
  const std::size_t start = std::min(all.size(), part * size);
  return std::span(all).subspan(start, std::min(size, all.size() - start));
}

std::size_t parts_of(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

Json certificates_json(std::span<const crypto::Certificate> certificates) {
  Json::Array out;
  for (const auto& each : certificates) out.emplace_back(codec::to_base64(each.der()));
  return out;
}

Json components_json(std::span<const reference::BootComponent> components) {
  Json::Array out;
  for (const reference::BootComponent& each : components) {
    Json component{Json::Object{{"name", each.name}}};
    if (each.authenticode) component["authenticode"] = reference::digest_text(*each.authenticode);
    if (each.digest) component["digest"] = reference::digest_text(*each.digest);
    out.push_back(std::move(component));
  }
  return out;
}

Json object_of(std::string_view api_version, std::string_view kind, Json metadata) {
  return Json::Object{
      {"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

class Making {
 public:
  Making(Draft& draft, const ManifestOptions& options) : draft_(draft), options_(options) {}

  Result<Manifests> run() {
    if (draft_.boot_components.empty() && draft_.secure_boot_certificates.empty() &&
        draft_.ima_signers.empty() && draft_.files.empty()) {
      return rejected(nothing_to_say());
    }
    const auto& files = draft_.files.sorted();
    AVOUCH_CHECK(place_files(files));
    const std::size_t parts =
        std::max({parts_of(draft_.boot_components.size(), kMaxComponents),
                  parts_of(draft_.secure_boot_certificates.size(), kMaxCertificates),
                  parts_of(draft_.ima_signers.size(), kMaxSigners), ima_.size(), std::size_t{1}});
    for (std::size_t part = 0; part < parts; ++part) AVOUCH_CHECK(add_manifest(part));
    return std::move(out_);
  }

 private:
  std::string name_of(std::size_t part) const {
    return part == 0 ? options_.name : options_.name + "-" + std::to_string(part + 1);
  }

  std::string nothing_to_say() const {
    constexpr std::size_t kShown = 4;
    std::string out =
        "the manifest says nothing: there is no boot component, certificate or file to put into it";
    for (std::size_t i = 0; i < std::min(kShown, draft_.remarks.size()); ++i) {
      out += (out.ends_with('.') ? " " : ". ") + draft_.remarks[i];
    }
    return out;
  }

  // What each manifest's `ima` says of files.
  Result<void> place_files(const std::vector<FileDigest>& files) {
    if (files.empty()) return {};
    switch (options_.place) {
      case ListPlace::kInline:
        if (files.size() > kMaxInlineDigests) {
          return rejected(std::to_string(files.size()) +
                          " digests of files, and a manifest holds " +
                          std::to_string(kMaxInlineDigests) + ": " + std::string(kWaysToHoldMore));
        }
        [[fallthrough]];
      case ListPlace::kSplit:
        for (std::size_t part = 0; part < parts_of(files.size(), kMaxInlineDigests); ++part) {
          Json::Array digests;
          for (const FileDigest& each : part_of(files, part, kMaxInlineDigests)) {
            digests.emplace_back(reference::digest_text(each.digest));
          }
          ima_.push_back(Json::Object{{"digests", std::move(digests)}});
        }
        break;
      case ListPlace::kFile:
        for (const FileDigest& each : files) out_.list += list_line(each);
        ima_.push_back(Json::Object{
            {"source", Json::Object{{"blob", attest::digest_text(crypto::sha256(out_.list))}}}});
        break;
      case ListPlace::kConfigMap:
        if (!is_object_name(options_.list_namespace, 63)) {
          return rejected("\"" + printable_path(options_.list_namespace) +
                          "\" is not the name of a namespace");
        }
        return add_config_maps(files);
    }
    return {};
  }

  Result<void> add_config_maps(const std::vector<FileDigest>& files) {
    std::string text;
    for (const FileDigest& each : files) {
      // Without the path: a third of the ConfigMaps.
      const std::string line = list_line({each.digest, {}});
      if (text.size() + line.size() > kMaxConfigMapBytes) {
        AVOUCH_CHECK(add_config_map(std::exchange(text, {})));
      }
      text += line;
    }
    return add_config_map(std::move(text));
  }

  Result<void> add_config_map(std::string text) {
    AVOUCH_TRY(const reference::DigestList list, reference::read_digest_list(as_bytes(text)));
    const std::string name = name_of(ima_.size()) + "-files";
    const Json metadata = Json::Object{{"name", name}, {"namespace", options_.list_namespace}};
    Json config_map = object_of("v1", "ConfigMap", metadata);
    config_map["data"] = Json::Object{{"digests", std::move(text)}};
    config_maps_.push_back(std::move(config_map));
    Json source{Json::Object{{"configMap", metadata}}};
    source["digest"] = attest::digest_text(list.set->binary_digest());
    ima_.push_back(Json::Object{{"source", std::move(source)}});
    return {};
  }

  Result<void> add_manifest(std::size_t part) {
    Json spec{Json::Object{}};
    if (!options_.provider.empty()) spec["provider"] = options_.provider;
    if (options_.not_before) spec["notBefore"] = to_rfc3339(*options_.not_before);
    if (options_.not_after) spec["notAfter"] = to_rfc3339(*options_.not_after);
    if (const auto some = part_of(draft_.boot_components, part, kMaxComponents); !some.empty()) {
      spec["bootComponents"] = components_json(some);
    }
    if (const auto some = part_of(draft_.secure_boot_certificates, part, kMaxCertificates);
        !some.empty()) {
      spec["secureBootCertificates"] = certificates_json(some);
    }
    const auto signers = part_of(draft_.ima_signers, part, kMaxSigners);
    if (part < ima_.size()) spec["ima"] = ima_[part];
    if (!signers.empty()) spec["ima"]["signers"] = certificates_json(signers);
    const std::string name = name_of(part);
    if (!is_object_name(name)) {
      return rejected("\"" + printable_path(name) +
                      "\" is not the name of a Kubernetes object: 1 to 253 of a-z, 0-9, - and .");
    }
    const auto checked = reference::parse_manifest(name, spec);
    if (!checked.has_value()) return checked.error();
    if (part < config_maps_.size()) out_.objects.push_back(config_maps_[part]);
    Json manifest =
        object_of("avouch.dev/v1alpha1", "ReferenceManifest", Json::Object{{"name", name}});
    manifest["spec"] = std::move(spec);
    out_.objects.push_back(std::move(manifest));
    return {};
  }

  Draft& draft_;
  const ManifestOptions& options_;
  std::vector<Json> ima_, config_maps_;
  Manifests out_;
};

}  // namespace

bool is_object_name(std::string_view name, std::size_t max_bytes) {
  const auto alphanumeric = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9');
  };
  return !name.empty() && name.size() <= max_bytes && alphanumeric(name.front()) &&
         alphanumeric(name.back()) && std::all_of(name.begin(), name.end(), [&](char each) {
           return alphanumeric(each) || each == '-' || each == '.';
         });
}

Result<Manifests> make_manifests(Draft& draft, const ManifestOptions& options) {
  return Making(draft, options).run();
}

}  // namespace avouch::provision
