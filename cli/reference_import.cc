// kubectl avouch reference import: manifests of other tools, told by their first byte.

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "adapters/support_folder.h"
#include "adapters/system_clock.h"
#include "adapters/xml_document.h"
#include "cli/files.h"
#include "cli/manifest_output.h"
#include "provision/corim.h"
#include "provision/pc_client_rim.h"

namespace avouch::cli {
namespace {

namespace fs = std::filesystem;

using provision::Draft;

// A public key, or that of a certificate.
Result<crypto::PublicKey> read_key(const std::string& file) {
  AVOUCH_TRY(const std::string pem, read_text(file, kMaxPemBytes));
  if (pem.find("BEGIN CERTIFICATE") == std::string::npos) {
    auto key = crypto::PublicKey::from_pem(pem);
    if (!key.has_value()) return with_context(key.error(), file);
    return key;
  }
  const auto certificates = crypto::Certificate::list_from_pem(pem);
  if (!certificates.has_value()) return with_context(certificates.error(), file);
  if (certificates->size() != 1) {
    return rejected(file + ": " + std::to_string(certificates->size()) +
                    " certificates, expected the signer's alone (authorities: --ca)");
  }
  auto key = certificates->front().public_key();
  if (!key.has_value()) return with_context(key.error(), file);
  return key;
}

// No CoRIM begins so: they are maps or have a tag. XML in UTF-16 begins with 0xff or 0xfe.
bool is_cbor(std::string_view bytes) {
  const auto first = static_cast<std::uint8_t>(bytes.empty() ? 0 : bytes.front());
  return first >= 0x80 && first < 0xfe;
}

bool is_xml(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && bytes[start] == '<';
}

Result<Draft> import_rim(ByteView bytes, const std::optional<crypto::PublicKey>& key,
                         const ImportOptions& options) {
  if (!options.digests.empty()) {
    return rejected(
        "--digests is for CoRIMs: the event log of a PC Client RIM says what its digests are of");
  }
  if (!options.profile.empty()) return rejected("--profile is for CoRIMs");
  provision::SignerTrust trust;
  if (key) trust.key = &*key;
  if (!options.ca_file.empty()) {
    AVOUCH_TRY(const std::string pem, read_text(options.ca_file, kMaxPemBytes));
    auto authorities = crypto::Certificate::list_from_pem(pem);
    if (!authorities.has_value()) return with_context(authorities.error(), options.ca_file);
    trust.authorities = *std::move(authorities);
  }
  adapters::SystemClock clock;
  AVOUCH_TRY(const auto at, read_time("--at", options.at));
  trust.now = at ? *at : clock.now();
  const fs::path file = options.to.inputs.front();
  adapters::SupportFolder support(
      options.support_folder.empty() ? file.parent_path() : fs::path(options.support_folder));
  adapters::LibxmlReader reader;
  return provision::read_pc_client_rim(reader, bytes, support,
                                       options.unverified ? nullptr : &trust);
}

Result<Draft> import_corim(ByteView bytes, const std::optional<crypto::PublicKey>& key,
                           const ImportOptions& options, provision::ManifestOptions& to) {
  if (options.digests.empty()) {
    return rejected(
        "--digests is required for a CoRIM: authenticode, file or ima, which it does not say");
  }
  if (!options.ca_file.empty() || !options.support_folder.empty()) {
    return rejected("--ca and --support are for PC Client RIMs: give --key for a CoRIM");
  }
  const std::map<std::string, provision::CorimDigests> kinds = {
      {"authenticode", provision::CorimDigests::kAuthenticode},
      {"file", provision::CorimDigests::kFile},
      {"ima", provision::CorimDigests::kIma}};
  AVOUCH_TRY(auto corim, provision::read_corim(bytes, kinds.at(options.digests),
                                               key ? &*key : nullptr, options.profile));
  // Never longer than the file's own.
  if (corim.not_before) {
    to.not_before = std::max(to.not_before.value_or(*corim.not_before), *corim.not_before);
  }
  if (corim.not_after) {
    to.not_after = std::min(to.not_after.value_or(*corim.not_after), *corim.not_after);
  }
  if (!key) {
    corim.draft.remarks.push_back(
        corim.is_signed ? "NOT VERIFIED. Its signature was not checked."
                        : "NOT VERIFIED. It is not signed: whoever could write it said this.");
  }
  return std::move(corim.draft);
}

}  // namespace

Result<Exit> reference_import(const ImportOptions& options) {
  AVOUCH_TRY(auto to, options_of(options.to));
  const int ways = (options.key_file.empty() ? 0 : 1) + (options.ca_file.empty() ? 0 : 1) +
                   (options.unverified ? 1 : 0);
  if (ways != 1) {
    return rejected(
        "give either --key FILE, by whose key the file must be signed, or (PC Client RIMs) --ca "
        "FILE, whose authorities must vouch for the signer, or --unverified, which believes it as "
        "it is. Key or authorities are published by the file's maker: fetch them by another way "
        "than "
        "the file came");
  }
  std::optional<crypto::PublicKey> key;
  if (!options.key_file.empty()) {
    AVOUCH_TRY(key, read_key(options.key_file));
  }
  const std::string& file = options.to.inputs.front();
  AVOUCH_TRY(const std::string bytes, read_text(file, provision::kMaxCorimBytes));
  if (!is_xml(bytes) && !is_cbor(bytes)) {
    return rejected(file + (bytes.empty() ? ": is empty" : ": is neither") +
                    "; expected a CoRIM (CBOR) or the SWID tag of a PC Client RIM (XML in UTF-8)");
  }
  auto draft = is_xml(bytes) ? import_rim(as_bytes(bytes), key, options)
                             : import_corim(as_bytes(bytes), key, options, to);
  if (!draft.has_value()) return with_context(draft.error(), file);
  return finish(*std::move(draft), to, options.to);
}

}  // namespace avouch::cli
