#include "appraisal/stored_case.h"

#include <utility>

#include "appraisal/pcr_list.h"
#include "base/hex.h"
#include "codec/json.h"

namespace avouch::appraisal {
namespace {

using codec::Json;

constexpr std::size_t kMaxNonceBytes = 64;

Error bad(const std::string& what) { return rejected(what); }

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

Result<Json> read_meta(CaseFiles& files, const std::string& folder) {
  const std::string where = folder.empty() ? "meta.json" : folder + "/meta.json";
  AVOUCH_TRY(std::optional<Bytes> bytes, files.read(folder, "meta.json", kMaxMetaBytes));
  if (!bytes) return bad(where + " is missing: expected the case's nonce and quotedPcrs in it");
  auto meta = codec::parse_json(as_text(*bytes), {.bytes = kMaxMetaBytes, .depth = 32});
  if (!meta.has_value()) return bad(where + ": " + meta.error().message);
  if (!meta->is_object()) return bad(where + ": expected an object");
  return meta;
}

Result<Bytes> read_hex(const Json& meta, std::string_view member, std::size_t max_bytes) {
  const Json* value = meta.find(member);
  const std::string* text = value == nullptr ? nullptr : value->as_string();
  if (text == nullptr) {
    return bad("meta.json: " + std::string(member) + ": expected hexadecimal digits");
  }
  auto bytes = from_hex(*text);
  if (!bytes.has_value()) {
    return bad("meta.json: " + std::string(member) + ": " + bytes.error().message);
  }
  if (bytes->size() > max_bytes) {
    return bad("meta.json: " + std::string(member) + ": " + std::to_string(bytes->size()) +
               " bytes, expected at most " + std::to_string(max_bytes));
  }
  return bytes;
}

Result<tpm::PcrValues> read_pcrs(const Json& meta, std::string_view member) {
  const Json* banks = meta.find(member);
  if (banks == nullptr || banks->is_null()) return tpm::PcrValues{};  // quotes without PCRs
  return parse_pcr_object(*banks, "meta.json: " + std::string(member));
}

class CaseReader {
 public:
  explicit CaseReader(CaseFiles& files) : files_(files) {}

  Result<StoredCase> run() {
    AVOUCH_CHECK(read_metas());
    StoredCase out;
    out.id = meta_.text({"id"});
    out.node_name = meta_.text({"nodeName"});
    AVOUCH_TRY(out.identity.ek_public, required("ek.pub", tpm::kMaxPublicBytes));
    AVOUCH_TRY(out.identity.ak_public, required("ak.pub", tpm::kMaxPublicBytes));
    AVOUCH_CHECK(read_certificates(out.identity));
    AVOUCH_TRY(out.ak_name, optional("ak.name", 256));
    AVOUCH_TRY(out.secret_expected, optional("cred.secret_expected.bin", 256));
    AVOUCH_TRY(out.secret_activated, optional("cred.secret_activated.bin", 256));
    const std::string two = second_ ? "2" : "";
    AVOUCH_TRY(out.quote.message, required("quote" + two + ".msg", 64 * 1024));
    AVOUCH_TRY(out.quote.signature, required("quote" + two + ".sig", 64 * 1024));
    AVOUCH_TRY(out.nonce, read_hex(meta_, "nonce" + two, kMaxNonceBytes));
    AVOUCH_TRY(out.pcrs, read_pcrs(meta_, "quotedPcrs" + two));
    AVOUCH_TRY(out.boot_log, optional("eventlog.bin", kMaxBootLogBytes));
    AVOUCH_TRY(out.runtime_log, optional("ima" + two + ".bin", kMaxRuntimeLogBytes));
    return out;
  }

 private:
  Result<void> read_metas() {
    AVOUCH_TRY(Json own, read_meta(files_, ""));
    if (own.find("base") == nullptr || own.find("base")->is_null()) {
      meta_ = std::move(own);
      return apply(meta_.find("overrides") == nullptr ? Json() : *meta_.find("overrides"));
    }
    const std::string* base = own.find("base")->as_string();
    if (base == nullptr || !is_plain_name(*base)) {
      return bad("meta.json: base: expected the name of a folder beside this one");
    }
    base_ = *base;
    AVOUCH_TRY(meta_, read_meta(files_, *base_));
    if (const Json* of_base = meta_.find("base"); of_base != nullptr && !of_base->is_null()) {
      return bad("meta.json: base: \"" + *base_ + "\" has a base itself");
    }
    if (const Json* id = own.find("id")) meta_["id"] = *id;
    return apply(own.find("overrides") == nullptr ? Json() : *own.find("overrides"));
  }

  Result<void> apply(const Json& overrides) {
    if (overrides.is_null()) return {};
    if (overrides.as_object() == nullptr) return bad("meta.json: overrides: expected an object");
    for (const auto& [name, value] : *overrides.as_object()) {
      if (name == "useSecondQuote") {
        if (value.as_bool() == nullptr) {
          return bad("meta.json: overrides.useSecondQuote: expected true or false");
        }
        second_ = *value.as_bool();
      } else if (name == "nonce" || name == "nonce2" || name == "quotedPcrs" ||
                 name == "quotedPcrs2") {
        meta_[name] = value;
      } else {
        return bad("meta.json: overrides." + name +
                   ": not known; expected nonce, nonce2, quotedPcrs, quotedPcrs2 or "
                   "useSecondQuote");
      }
    }
    return {};
  }

  Result<std::optional<Bytes>> optional(const std::string& name, std::size_t max_bytes) {
    AVOUCH_TRY(std::optional<Bytes> own, files_.read("", name, max_bytes));
    if (own || !base_) return own;
    return files_.read(*base_, name, max_bytes);
  }

  Result<Bytes> required(const std::string& name, std::size_t max_bytes) {
    AVOUCH_TRY(std::optional<Bytes> bytes, optional(name, max_bytes));
    if (!bytes) return bad(name + " is missing" + (base_ ? " here and in " + *base_ : ""));
    return *std::move(bytes);
  }

  // The leaf, and the certificates between it and the trust bundle where the case has them.
  Result<void> read_certificates(attest::UnverifiedIdentity& out) {
    AVOUCH_TRY(std::optional<Bytes> leaf, optional("ek_cert.der", attest::kMaxEkCertificateBytes));
    if (!leaf) return {};  // judged: no maker vouches for this TPM
    out.ek_certificates.push_back(*std::move(leaf));
    for (std::size_t i = 1; i < attest::kMaxEkCertificates; ++i) {
      AVOUCH_TRY(std::optional<Bytes> next, optional("ek_cert_chain" + std::to_string(i) + ".der",
                                                     attest::kMaxEkCertificateBytes));
      if (!next) break;
      out.ek_certificates.push_back(*std::move(next));
    }
    return {};
  }

  CaseFiles& files_;
  std::optional<std::string> base_;
  Json meta_;
  bool second_ = false;
};

}  // namespace

Result<StoredCase> read_case(CaseFiles& files) { return CaseReader(files).run(); }

}  // namespace avouch::appraisal
