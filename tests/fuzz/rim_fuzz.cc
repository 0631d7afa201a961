// PC Client RIMs: a tag, and behind a NUL its event log. What is accepted unverified makes a
// manifest or says nothing; nothing passes by a key that has not signed; and canonical form is
// that of itself.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "adapters/xml_document.h"
#include "fuzz/fuzz_target.h"
#include "provision/pc_client_rim.h"

namespace avouch::fuzzing::rim_target {
namespace {

namespace adapters = avouch::adapters;
namespace provision = avouch::provision;

void require(bool holds) {
  if (!holds) std::abort();
}

const provision::SignerTrust& nobody() {
  static const auto key =
      avouch::crypto::PrivateKey::generate(avouch::crypto::KeyType::kEcP256).public_key();
  static const provision::SignerTrust trust{.key = &key, .authorities = {}, .now = {}};
  return trust;
}

class OneFile final : public provision::SupportFiles {
 public:
  explicit OneFile(avouch::ByteView file) : file_(file) {}
  avouch::Result<std::optional<avouch::Bytes>> read(const std::string&, std::size_t) override {
    return std::optional(avouch::Bytes(file_.begin(), file_.end()));
  }

 private:
  avouch::ByteView file_;
};

void check_canonical(adapters::LibxmlReader& reader, avouch::ByteView tag) {
  for (const auto space : {provision::XmlSpace::kKept, provision::XmlSpace::kDropped}) {
    const auto document = reader.read(tag, space);
    if (!document.has_value()) return;
    for (const auto form :
         {provision::XmlCanonicalForm::kInclusive10, provision::XmlCanonicalForm::kInclusive11,
          provision::XmlCanonicalForm::kExclusive10}) {
      const auto once = (*document)->canonical(form, 0, std::nullopt);
      if (!once.has_value() || once->size() > provision::XmlLimits().bytes) continue;
      const auto again = reader.read(*once, space);
      require(again.has_value());
      const auto twice = (*again)->canonical(form, 0, std::nullopt);
      require(twice.has_value() && *twice == *once);
    }
  }
}

}  // namespace

AVOUCH_FUZZ_TARGET("rim_fuzz") {
  const avouch::ByteView input(data, size);
  const auto end =
      static_cast<std::size_t>(std::find(input.begin(), input.end(), 0) - input.begin());
  const avouch::ByteView tag = input.first(end);
  OneFile files(end == size ? avouch::ByteView() : input.subspan(end + 1));
  adapters::LibxmlReader reader;
  check_canonical(reader, tag);
  require(!provision::read_pc_client_rim(reader, tag, files, &nobody()).has_value());
  auto draft = provision::read_pc_client_rim(reader, tag, files, nullptr);
  if (!draft.has_value()) {
    require(draft.error().kind == avouch::ErrorKind::kRejected && !draft.error().message.empty());
    return 0;
  }
  const auto made =
      provision::make_manifests(*draft, {.name = "a", .place = provision::ListPlace::kSplit});
  require(made.has_value() ? !made->objects.empty() : !made.error().message.empty());
  return 0;
}

}  // namespace avouch::fuzzing::rim_target
