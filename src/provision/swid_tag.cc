#include "provision/swid_tag.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/hex.h"
#include "codec/utf8.h"
#include "provision/file_list.h"

namespace avouch::provision {
namespace {

using crypto::HashAlgorithm;

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::size_t kMaxFiles = 256, kMaxRemark = 200;

// The information model's attributes: as its tools write them, and as its later text does.
constexpr std::array<std::string_view, 2> kRim = {
    "https://trustedcomputinggroup.org/wp-content/uploads/TCG_RIM_Model",
    "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-"
    "model/"};

struct HashName {
  std::string_view name_space;
  std::optional<HashAlgorithm> algorithm;  // nothing: known, and refused
};
constexpr std::array<HashName, 4> kHashes = {
    {{"http://www.w3.org/2001/04/xmlenc#sha256", HashAlgorithm::kSha256},
     {"http://www.w3.org/2001/04/xmldsig-more#sha384", HashAlgorithm::kSha384},
     {"http://www.w3.org/2001/04/xmlenc#sha512", HashAlgorithm::kSha512},
     {"http://www.w3.org/2000/09/xmldsig#sha1", std::nullopt}}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string shown(std::string_view text) { return printable_path(text).substr(0, kMaxRemark); }

Error tag_fault(const std::string& place, const std::string& what) {
  return rejected(place + ": " + what);
}

// An attribute of the information model, however its capitals are.
const std::string* rim_attribute(const XmlElement& element, std::string_view name) {
  for (const XmlAttribute& each : element.attributes) {
    if (std::find(kRim.begin(), kRim.end(), each.name_space) == kRim.end()) continue;
    if (lower(each.name) == lower(name)) return &each.value;
  }
  return nullptr;
}

bool is_true(const XmlElement& element, std::string_view name) {
  const std::string* value = element.attribute("", name);
  return value != nullptr && *value != "false" && *value != "0";
}

class TagReader {
 public:
  Result<SwidTag> read(const XmlElement& root) {
    if (!root.is(kSwid, "SoftwareIdentity")) {
      return tag_fault(shown(root.name),
                       "expected SoftwareIdentity of ISO/IEC 19770-2:2015, the root of a SWID tag");
    }
    if (is_true(root, "patch")) {
      return tag_fault("SoftwareIdentity",
                       "a patch is not taken: it speaks of a part of what another "
                       "RIM describes, and nothing here knows that one");
    }
    if (const std::string* name = root.attribute("", "name")) tag_.name = shown(*name);
    if (const std::string* id = root.attribute("", "tagId")) tag_.tag_id = shown(*id);
    tag_.remarks.push_back("PC Client RIM \"" + tag_.name + "\", tag " + tag_.tag_id);
    if (is_true(root, "supplemental")) {
      tag_.remarks.push_back(
          "It supplements another RIM, which is not read: import that one as well.");
    }
    bool payload = false;
    for (const XmlElement& part : root.children) {
      if (part.is(kSwid, "Entity")) {
        add_entity(part);
      } else if (part.is(kSwid, "Link")) {
        add_link(part);
      } else if (part.is(kSwid, "Meta")) {
        AVOUCH_CHECK(add_meta(part));
      } else if (part.is(kSwid, "Payload")) {
        if (std::exchange(payload, true)) return tag_fault("Payload", "is given twice");
        AVOUCH_CHECK(add_payload(part, "Payload", ""));
      } else {
        leave_out(part, "");
      }
    }
    if (!is_pc_client_) {
      return tag_fault("Meta",
                       "expected rim:bindingSpec \"PC Client RIM\": of RIMs for other things "
                       "it is not known what their files are");
    }
    if (tag_.files.empty()) return tag_fault("Payload", "expected at least one File");
    return std::move(tag_);
  }

 private:
  void leave_out(const XmlElement& element, const std::string& why) {
    if (left_out_++ >= 20) return;
    tag_.remarks.push_back("Not taken: " + shown(element.name) + (why.empty() ? "" : ", " + why));
  }

  void add_entity(const XmlElement& entity) {
    std::string text = "By";
    for (const char* name : {"name", "regid", "role"}) {
      if (const std::string* value = entity.attribute("", name)) text += " " + shown(*value);
    }
    if (left_out_++ < 20) tag_.remarks.push_back(text);
  }

  void add_link(const XmlElement& link) {
    const std::string* to = link.attribute("", "href");
    const std::string* relation = link.attribute("", "rel");
    leave_out(link, (relation == nullptr ? "" : shown(*relation) + " ") +
                        (to == nullptr ? "" : shown(*to)) + ": it is not followed");
  }

  Result<void> add_meta(const XmlElement& meta) {
    if (const std::string* spec = rim_attribute(meta, "bindingSpec")) {
      const std::string name = lower(*spec);
      if (name != "pc client rim" && name != "tcg pc client rim") {
        return tag_fault("Meta", "rim:bindingSpec is " + codec::in_quotes(*spec) +
                                     ": expected \"PC Client RIM\"");
      }
      is_pc_client_ = true;
    }
    const std::string* type = rim_attribute(meta, "PayloadType");
    if (type != nullptr && lower(*type) != "direct") {
      return tag_fault("Meta", "rim:payloadType is " + codec::in_quotes(*type) +
                                   ": expected direct, a payload that holds the digests itself");
    }
    std::string of;
    for (const char* name :
         {"platformManufacturerStr", "platformModel", "platformVersion", "firmwareManufacturerStr",
          "firmwareModel", "firmwareModelStr", "firmwareVersion"}) {
      if (const std::string* value = rim_attribute(meta, name)) {
        of += (of.empty() ? "" : ", ") + std::string(name) + " " + shown(*value);
      }
    }
    if (!of.empty()) {
      tag_.remarks.push_back("Of " + of + ": which nodes that is, your policy says");
    }
    if (const std::string* hash = rim_attribute(meta, "rimLinkHash")) {
      tag_.remarks.push_back("Not taken: rimLinkHash " + shown(*hash) +
                             ", of another RIM: it is not followed");
    }
    return {};
  }

  // `format`: the supportRIMFormat of what is around it.
  Result<void> add_payload(const XmlElement& in, const std::string& place,
                           const std::string& format) {
    for (const XmlElement& part : in.children) {
      const std::string* own = rim_attribute(part, "supportRIMFormat");
      const std::string& its = own != nullptr ? *own : format;
      if (part.is(kSwid, "File")) {
        AVOUCH_CHECK(add_file(part, place + ".File", its));
      } else if (part.is(kSwid, "Directory")) {
        AVOUCH_CHECK(add_payload(part, place + ".Directory", its));
      } else {
        leave_out(part, "of the payload");
      }
    }
    return {};
  }

  Result<void> add_file(const XmlElement& element, const std::string& where,
                        const std::string& format) {
    const std::string* name = element.attribute("", "name");
    if (name == nullptr || name->empty() || name->size() > 255 || *name == "." || *name == ".." ||
        printable_path(*name) != *name || name->find('/') != std::string::npos) {
      return tag_fault(where, "expected a name of printable ASCII that is no path, got " +
                                  (name == nullptr ? "none" : codec::in_quotes(*name)));
    }
    const std::string place = where + " " + codec::in_quotes(*name, 255);
    SwidFile file;
    file.name = *name;
    for (const SwidFile& each : tag_.files) {
      if (each.name == *name) return tag_fault(place, "is given twice");
    }
    if (tag_.files.size() == kMaxFiles) return tag_fault(place, "more than 256 files");
    if (const std::string* size = element.attribute("", "size")) {
      std::uint64_t value = 0;
      const auto [end, failed] = std::from_chars(size->data(), size->data() + size->size(), value);
      if (failed != std::errc{} || end != size->data() + size->size()) {
        return tag_fault(place,
                         "size is " + codec::in_quotes(*size) + ": expected a number of bytes");
      }
      file.size = value;
    }
    AVOUCH_CHECK(add_digests(element, place, file));
    AVOUCH_TRY(file.kind, kind_of(file.name, format, place));
    tag_.files.push_back(std::move(file));
    return {};
  }

  static Result<void> add_digests(const XmlElement& element, const std::string& place,
                                  SwidFile& file) {
    bool sha1 = false;
    for (const XmlAttribute& each : element.attributes) {
      if (each.name != "hash") continue;
      const auto* known = std::find_if(kHashes.begin(), kHashes.end(), [&](const HashName& hash) {
        return hash.name_space == each.name_space;
      });
      if (known == kHashes.end()) {
        return tag_fault(place, "has a hash of namespace " + codec::in_quotes(each.name_space) +
                                    ", which is none that is known");
      }
      if (!known->algorithm) {
        sha1 = true;
        continue;
      }
      const auto bytes = from_hex(each.value);
      const auto digest = !bytes.has_value() ? Result<reference::Digest>(bytes.error())
                                             : reference::make_digest(*known->algorithm, *bytes);
      if (!digest.has_value()) {
        return with_context(digest.error(),
                            place + ": " + std::string(crypto::hash_name(*known->algorithm)));
      }
      file.digests.push_back(*digest);
    }
    if (!file.digests.empty()) return {};
    return tag_fault(place,
                     std::string(sha1 ? "has a SHA-1 digest alone, for which files can be made "
                                        "that have it too"
                                      : "has no digest") +
                         ": expected SHA-256, SHA-384 or SHA-512");
  }

  static Result<SwidFile::Kind> kind_of(const std::string& name, const std::string& format,
                                        const std::string& place) {
    using Kind = SwidFile::Kind;
    const std::string by = lower(format), of = lower(name);
    if (by == "tcg_eventlog_assertion") return Kind::kEventLog;
    if (by == "tpm_pcr_assertion") return Kind::kPcrValues;
    if (!by.empty()) {
      return tag_fault(place, "supportRIMFormat is " + codec::in_quotes(format) +
                                  ": expected TCG_EventLog_Assertion or TPM_PCR_Assertion");
    }
    if (of.ends_with(".rimel")) return Kind::kEventLog;
    return of.ends_with(".rimpcr") ? Kind::kPcrValues : Kind::kOther;
  }

  SwidTag tag_;
  bool is_pc_client_ = false;
  std::size_t left_out_ = 0;
};

}  // namespace

Result<SwidTag> read_swid_tag(const XmlElement& root) { return TagReader().read(root); }

}  // namespace avouch::provision
