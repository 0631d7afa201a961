#include "runtimelog/fields.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "codec/utf8.h"

namespace avouch::runtimelog {
namespace {

struct Known {
  std::string_view name;
  Template kind;
};
constexpr std::array kKnown = {
    Known{kLegacyTemplate, Template::kIma}, Known{"ima-ng", Template::kImaNg},
    Known{"ima-sig", Template::kImaSig},    Known{"ima-buf", Template::kImaBuf},
    Known{"ima-ngv2", Template::kImaNgV2},  Known{"ima-sigv2", Template::kImaSigV2},
};

constexpr std::size_t kMaxAlgorithmName = 32;
constexpr std::size_t kMaxDigest = 64;

bool is_algorithm_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxAlgorithmName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

Result<ByteView> next_field(ByteReader& reader, std::string_view name) {
  AVOUCH_TRY(const std::uint32_t size, reader.le32(name));
  return reader.take(size, name);
}

Result<void> read_digest_type(std::string_view& prefix, Fields& out) {
  const std::size_t colon = prefix.find(':');
  const std::string_view type = prefix.substr(0, colon);
  if (colon == std::string_view::npos || (type != "ima" && type != "verity")) {
    return rejected("digest type " + codec::in_quotes(type) + ": expected ima or verity");
  }
  out.of = type == "verity" ? DigestOf::kVerity : DigestOf::kContent;
  prefix.remove_prefix(colon + 1);
  return {};
}

Result<void> read_digest(ByteView field, bool typed, bool violation, Fields& out) {
  const std::string_view text = as_text(field);
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos || nul == 0 || text[nul - 1] != ':') {
    return rejected("digest field without its \"ALGORITHM:\" and NUL");
  }
  std::string_view prefix = text.substr(0, nul - 1);
  if (typed) AVOUCH_CHECK(read_digest_type(prefix, out));
  if (!is_algorithm_name(prefix)) {
    return rejected("digest algorithm " + codec::in_quotes(prefix) +
                    ": expected a name of the kernel's, such as sha256");
  }
  out.algorithm = prefix;
  out.digest = field.subspan(nul + 1);
  if (const auto known = crypto::parse_hash_name(prefix); known.has_value()) out.known = *known;
  const bool size_fits = out.known ? out.digest.size() == crypto::digest_size(*out.known)
                                   : !out.digest.empty() && out.digest.size() <= kMaxDigest;
  if (violation) {
    const bool zeros = std::all_of(out.digest.begin(), out.digest.end(),
                                   [](std::uint8_t byte) { return byte == 0; });
    if (zeros && (size_fits || out.digest.size() == 20)) return {};
    return rejected("a violation whose file digest is not zero");
  }
  if (!size_fits) {
    return rejected(std::string(prefix) + " digest of " + std::to_string(out.digest.size()) +
                    " bytes" +
                    (out.known ? ": expected " + std::to_string(crypto::digest_size(*out.known))
                               : ": expected 1 to 64"));
  }
  return {};
}

Result<void> read_path(ByteView field, Fields& out) {
  std::string_view text = as_text(field);
  if (text.empty() || text.back() != '\0') return rejected("path without its NUL");
  text.remove_suffix(1);
  if (text.size() > kMaxPath) {
    return rejected("path of " + std::to_string(text.size()) + " bytes: expected at most " +
                    std::to_string(kMaxPath));
  }
  if (text.find('\0') != std::string_view::npos) return rejected("path with a NUL within");
  out.path = text;
  return {};
}

Result<Fields> read_legacy(const Entry& entry) {
  Fields out;
  out.kind = Template::kIma;
  out.algorithm = "sha1";
  out.known = crypto::HashAlgorithm::kSha1;
  out.digest = entry.data.first(20);
  out.path = as_text(entry.data.subspan(24));
  if (out.path.size() > 255) {  // IMA_EVENT_NAME_LEN_MAX: the kernel cuts longer ones
    return rejected("path of " + std::to_string(out.path.size()) +
                    " bytes in the legacy template: expected at most 255");
  }
  if (out.path.find('\0') != std::string_view::npos) return rejected("path with a NUL within");
  return out;
}

}  // namespace

Template template_of(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name) return known.kind;
  }
  return Template::kUnknown;
}

std::string digest_text(const Fields& fields) {
  return (fields.of == DigestOf::kVerity ? "verity:" : "") + std::string(fields.algorithm) + ":" +
         to_hex(fields.digest);
}

Result<Fields> read_fields(const Entry& entry) {
  Fields out;
  out.kind = template_of(entry.template_name);
  if (out.kind == Template::kUnknown) {
    return rejected("template " + codec::in_quotes(entry.template_name) +
                    ": expected ima-ng, ima-sig, ima-buf, ima-ngv2 or ima-sigv2");
  }
  if (out.kind == Template::kIma) return read_legacy(entry);
  const bool typed = out.kind == Template::kImaNgV2 || out.kind == Template::kImaSigV2;
  ByteReader reader(entry.data);
  AVOUCH_TRY(const ByteView digest, next_field(reader, "digest field"));
  AVOUCH_CHECK(read_digest(digest, typed, entry.is_violation(), out));
  AVOUCH_TRY(const ByteView path, next_field(reader, "path field"));
  AVOUCH_CHECK(read_path(path, out));
  if (out.kind == Template::kImaSig || out.kind == Template::kImaSigV2) {
    AVOUCH_TRY(out.signature, next_field(reader, "signature field"));
    if (out.signature.size() > kMaxSignature) {
      return rejected("signature of " + std::to_string(out.signature.size()) +
                      " bytes: expected at most " + std::to_string(kMaxSignature));
    }
  } else if (out.kind == Template::kImaBuf) {
    AVOUCH_TRY(out.buffer, next_field(reader, "buffer field"));
  }
  AVOUCH_CHECK(reader.expect_end("template data"));
  return out;
}

}  // namespace avouch::runtimelog
