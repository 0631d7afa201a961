#include "reference/digest_set.h"

#include "reference/digest_list.h"
#include "reference/digest_table.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;

constexpr std::array kAlgorithms = {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                    HashAlgorithm::kSha384, HashAlgorithm::kSha512};

std::size_t slot_of(HashAlgorithm algorithm) { return static_cast<std::size_t>(algorithm); }

}  // namespace

std::unique_ptr<DigestTable> DigestTable::make(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return std::make_unique<SizedDigestTable<20>>();
    case HashAlgorithm::kSha256:
      return std::make_unique<SizedDigestTable<32>>();
    case HashAlgorithm::kSha384:
      return std::make_unique<SizedDigestTable<48>>();
    case HashAlgorithm::kSha512:
      break;
  }
  return std::make_unique<SizedDigestTable<64>>();
}

DigestSet::DigestSet(Tables tables) : tables_(std::move(tables)) {}
DigestSet::~DigestSet() = default;

bool DigestSet::contains(HashAlgorithm algorithm, ByteView digest) const {
  const auto& table = tables_[slot_of(algorithm)];
  return table != nullptr && digest.size() == crypto::digest_size(algorithm) &&
         table->contains(digest);
}

std::size_t DigestSet::size(HashAlgorithm algorithm) const {
  const auto& table = tables_[slot_of(algorithm)];
  return table == nullptr ? 0 : table->size();
}

std::size_t DigestSet::size() const {
  std::size_t total = 0;
  for (const HashAlgorithm algorithm : kAlgorithms) total += size(algorithm);
  return total;
}

std::size_t DigestSet::memory_bytes() const {
  std::size_t total = sizeof(*this);
  for (const auto& table : tables_) total += table == nullptr ? 0 : table->memory_bytes();
  return total;
}

std::vector<Digest> DigestSet::list() const {
  std::vector<Digest> out;
  out.reserve(size());
  for (const HashAlgorithm algorithm : kAlgorithms) {
    const auto& table = tables_[slot_of(algorithm)];
    if (table == nullptr) continue;
    Bytes all;
    table->append_to(all);
    const std::size_t width = crypto::digest_size(algorithm);
    for (ByteView rest = all; !rest.empty(); rest = rest.subspan(width)) {
      out.push_back(make_digest(algorithm, rest.first(width)).value());
    }
  }
  return out;
}

Bytes DigestSet::to_binary() const {
  Bytes out = to_bytes(kDigestListMagic);
  for (const HashAlgorithm algorithm : kAlgorithms) {
    const auto& table = tables_[slot_of(algorithm)];
    if (table == nullptr || table->size() == 0) continue;
    append_be16(out, list_algorithm_id(algorithm));
    append_be32(out, static_cast<std::uint32_t>(table->size()));
    table->append_to(out);
  }
  return out;
}

crypto::Sha256 DigestSet::binary_digest() const { return crypto::sha256(to_binary()); }

DigestSetBuilder::DigestSetBuilder(std::size_t max_digests) : max_digests_(max_digests) {}
DigestSetBuilder::~DigestSetBuilder() = default;

Result<void> DigestSetBuilder::add(HashAlgorithm algorithm, ByteView digest) {
  if (digest.size() != crypto::digest_size(algorithm)) {
    return rejected("a digest of " + std::to_string(digest.size()) + " bytes, expected the " +
                    std::to_string(crypto::digest_size(algorithm)) + " of " +
                    std::string(crypto::hash_name(algorithm)));
  }
  if (count_ == max_digests_) {
    return rejected("more than " + std::to_string(max_digests_) +
                    " digests: split the list over several manifests");
  }
  ++count_;
  auto& table = tables_[slot_of(algorithm)];
  if (table == nullptr) table = DigestTable::make(algorithm);
  table->add(digest);
  return {};
}

std::shared_ptr<const DigestSet> DigestSetBuilder::finish() && {
  for (auto& table : tables_) {
    if (table != nullptr) table->seal();
  }
  return std::shared_ptr<const DigestSet>(new DigestSet(std::move(tables_)));
}

}  // namespace avouch::reference
