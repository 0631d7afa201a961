// What reference manifests and lists of digests cost in memory while they are read.

#include <gtest/gtest.h>

#include "base/hex.h"
#include "codec/json.h"
#include "reference/digest_list.h"
#include "reference/manifest.h"
#include "tests/support/counted_memory.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;
using testing::expect_bounded;

std::string line(std::size_t i) { return to_hex(crypto::sha256(std::to_string(i))) + "\n"; }

TEST(Memory, OfAnyDigestListIsBoundedByItsSize) {
  const auto bounded = [](const std::string& name, ByteView list) {
    expect_bounded(name, list.size(), [&] { (void)read_digest_list(list); });
  };
  for (const std::size_t count : {1U, 1'000U, 1'025U, 33'000U}) {
    std::string text, paths;
    for (std::size_t i = 0; i < count; ++i) {
      text += line(i);
      paths += line(i).substr(0, 64) + "  /usr/lib/" + std::to_string(i) + "\n";
    }
    bounded("text", as_bytes(text));
    bounded("text with paths", as_bytes(paths));
    const auto list = read_digest_list(as_bytes(text));
    ASSERT_TRUE(list.has_value());
    bounded("binary", list->set->to_binary());
    std::string same;
    for (std::size_t i = 0; i < count; ++i) same += line(1);
    bounded("one digest over and over", as_bytes(same));
  }
  for (const std::size_t size : {100U, 16'384U, 20'000U, 1'000'000U}) {
    bounded("a long line", Bytes(size, 'a'));
    bounded("empty lines", Bytes(size, '\n'));
    bounded("anything", Bytes(size, 0xff));
  }
  // A head that claims more than there is.
  Bytes head = to_bytes(std::string(kDigestListMagic));
  append_be16(head, list_algorithm_id(HashAlgorithm::kSha512));
  append_be32(head, 2'000'000);
  bounded("a head alone", head);
}

// Two steps, of which each is bounded: the object's tree, and what is read from it. Shapes whose
// trees are larger are refused by the API server before they reach us.
void expect_both_bounded(const std::string& name, const codec::Json& object) {
  const std::string text = codec::to_json(object);
  expect_bounded(name + ", its tree", text.size(), [&] { (void)codec::parse_json(text); });
  expect_bounded(name, text.size(), [&] { (void)parse_manifest("m", object); });
}

TEST(Memory, OfAnyManifestIsBoundedByItsSize) {
  const std::string certificate = base64_of(some_certificate("signer"));
  for (const std::size_t count : {1U, 65U, 1'000U, 4'096U}) {
    codec::Json::Array components, digests, revoked;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      components.push_back(component("component " + number, "a" + number, "d" + number));
      digests.emplace_back(digest_text(sha(number)));
      digests.emplace_back(digest_text(sha("d" + number)));
      revoked.emplace_back(digest_text(sha("r" + number)));
    }
    codec::Json spec;
    spec["bootComponents"] = components;
    expect_both_bounded("components", spec);
    spec["ima"]["digests"] = digests;
    spec["revoked"] = revoked;
    spec["ima"]["signers"] = codec::Json::Array{certificate};
    spec["secureBootCertificates"] = codec::Json::Array{certificate};
    const auto parsed = parse_manifest("m", spec);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    expect_both_bounded("of everything", spec);
    spec["signature"] = json(R"({"payloadType": "application/vnd.avouch.reference-manifest+json",
        "signatures": [{"keyid": "k", "sig": "AAAA"}]})");
    expect_both_bounded("signed", spec);
    spec["bootComponents"] = codec::Json::Array(count, codec::Json("no object"));
    spec["revoked"] = codec::Json::Array(count, codec::Json("no digest"));
    expect_both_bounded("wrong everywhere", spec);
    spec["revoked"] = codec::Json::Array(count, revoked[0]);
    spec["ima"]["digests"] = codec::Json::Array(count, revoked[0]);
    expect_both_bounded("the same over and over", spec);
  }
}

}  // namespace
}  // namespace avouch::reference
