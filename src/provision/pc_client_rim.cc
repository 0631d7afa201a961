#include "provision/pc_client_rim.h"

#include <set>
#include <utility>

#include "appraisal/stored_case.h"
#include "crypto/hash.h"
#include "provision/boot_values.h"
#include "provision/swid_tag.h"

namespace avouch::provision {
namespace {

Result<Bytes> read_support(const SwidFile& file, SupportFiles& files) {
  AVOUCH_TRY(const std::optional<Bytes> bytes, files.read(file.name, appraisal::kMaxBootLogBytes));
  if (!bytes) {
    return rejected(file.name + ": the tag names this event log, and it is not there; expected " +
                    reference::digest_text(file.digests.front()));
  }
  if (file.size && *file.size != bytes->size()) {
    return rejected(file.name + ": has " + std::to_string(bytes->size()) +
                    " bytes, and the tag says " + std::to_string(*file.size));
  }
  for (const reference::Digest& digest : file.digests) {
    const Bytes found = crypto::hash(digest.algorithm, *bytes);
    if (equal(found, digest.view())) continue;
    const auto is = reference::make_digest(digest.algorithm, found);
    return rejected(file.name + ": is not the file that the tag means: it has the digest " +
                    (is.has_value() ? reference::digest_text(*is) : "") + ", expected " +
                    reference::digest_text(digest));
  }
  return *bytes;
}

// Several logs' values in one draft, each once.
class Merged {
 public:
  explicit Merged(Draft& out) : out_(out) {}

  void add(Draft&& more) {
    for (reference::BootComponent& each : more.boot_components) {
      if (components_.emplace(each.authenticode, each.digest).second) {
        out_.boot_components.push_back(std::move(each));
      }
    }
    for (crypto::Certificate& each : more.secure_boot_certificates) {
      if (certificates_.insert(each.fingerprint()).second) {
        out_.secure_boot_certificates.push_back(std::move(each));
      }
    }
    for (std::string& each : more.remarks) out_.remarks.push_back(std::move(each));
  }

 private:
  Draft& out_;
  std::set<std::pair<std::optional<reference::Digest>, std::optional<reference::Digest>>>
      components_;
  std::set<crypto::Sha256> certificates_;
};

Result<SignedXml> signed_content(XmlReader& reader, ByteView tag, const SignerTrust* trust) {
  AVOUCH_TRY(const auto document, reader.read(tag, XmlSpace::kKept));
  auto content = read_signed_xml(*document, trust);
  if (content.has_value() || trust == nullptr) return content;
  AVOUCH_TRY(const auto dense, reader.read(tag, XmlSpace::kDropped));
  auto of_dense = read_signed_xml(*dense, trust);
  return of_dense.has_value() ? of_dense : content;
}

}  // namespace

Result<Draft> read_pc_client_rim(XmlReader& reader, ByteView tag, SupportFiles& files,
                                 const SignerTrust* trust) {
  AVOUCH_TRY(const SignedXml content, signed_content(reader, tag, trust));
  // From here on nothing but the bytes that were signed.
  AVOUCH_TRY(const auto covered, reader.read(content.content, XmlSpace::kKept));
  AVOUCH_TRY(const SwidTag swid, read_swid_tag(covered->root()));
  Draft out;
  out.remarks = swid.remarks;
  out.remarks.push_back(trust != nullptr ? "Signed by " + content.signer
                        : content.is_signed
                            ? "NOT VERIFIED. Its signature was not checked."
                            : "NOT VERIFIED. It is not signed: whoever could write it said this.");
  Merged merged(out);
  bool any = false;
  for (const SwidFile& file : swid.files) {
    if (file.kind != SwidFile::Kind::kEventLog) {
      out.remarks.push_back("Not taken: " + file.name + " (" +
                            reference::digest_text(file.digests.front()) + ")" +
                            (file.kind == SwidFile::Kind::kPcrValues
                                 ? ", values of PCRs: they stand in the policy (pcrs.exact)"
                                 : ", no support file that is known"));
      continue;
    }
    any = true;
    AVOUCH_TRY(const Bytes log, read_support(file, files));
    Draft values;
    const auto added = add_boot_values(log, nullptr, values, file.name);
    if (!added.has_value()) return with_context(added.error(), file.name);
    merged.add(std::move(values));
  }
  if (!any) {
    std::string names;
    for (const SwidFile& file : swid.files) {
      if (names.size() < 500) names += (names.empty() ? "" : ", ") + file.name;
    }
    return rejected(
        "no event log (.rimel) is among its files, and of nothing else a "
        "ReferenceManifest can be made: " +
        names);
  }
  return out;
}

}  // namespace avouch::provision
