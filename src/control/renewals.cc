#include "control/renewals.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace avouch::control {
namespace {

constexpr std::size_t kMostWaiting = 1'000'000;
constexpr std::string_view kHeader = "avouch renewals v1\n";
constexpr std::size_t kRenewalBytes = 64;

// Nodes of the tree over `renewals`, computed as they are asked for.
tlog::NodeSource nodes_of(const std::vector<Renewal>& renewals) {
  return [&renewals](const tlog::Node& node) -> Result<tlog::Hash> {
    const std::uint64_t begin = node.index << node.level;
    const std::uint64_t width = std::uint64_t{1} << node.level;
    if (begin + width > renewals.size()) return fatal("a node beyond the renewals was asked for");
    std::vector<tlog::Hash> row;
    row.reserve(width);
    for (std::uint64_t i = begin; i < begin + width; ++i) row.push_back(renewals[i].leaf);
    while (row.size() > 1) {
      for (std::size_t i = 0; i < row.size() / 2; ++i) {
        row[i] = tlog::node_hash(row[2 * i], row[2 * i + 1]);
      }
      row.resize(row.size() / 2);
    }
    return row.front();
  };
}

}  // namespace

Renewal make_renewal(std::string_view subject, const crypto::Sha256& token) {
  Bytes entry = to_bytes(subject);
  append_u8(entry, 0);
  append(entry, ByteView(token));
  return {token, tlog::leaf_hash(entry)};
}

tlog::Hash renewals_root(const std::vector<Renewal>& renewals) {
  return *tlog::make_root(renewals.size(), nodes_of(renewals));
}

void RenewalBatch::add(const Renewal& renewal) {
  const std::lock_guard lock(mutex_);
  if (renewals_.size() >= kMostWaiting) renewals_.erase(renewals_.begin());
  renewals_.push_back(renewal);
}

std::vector<Renewal> RenewalBatch::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(renewals_, {});
}

void RenewalBatch::put_back(std::vector<Renewal> renewals) {
  const std::lock_guard lock(mutex_);
  std::move(renewals_.begin(), renewals_.end(), std::back_inserter(renewals));
  renewals_ = std::move(renewals);
}

std::size_t RenewalBatch::waiting() const {
  const std::lock_guard lock(mutex_);
  return renewals_.size();
}

Bytes encode_renewals(const std::vector<Renewal>& renewals) {
  Bytes out = to_bytes(kHeader);
  for (const Renewal& renewal : renewals) {
    append(out, ByteView(renewal.token));
    append(out, ByteView(renewal.leaf));
  }
  return out;
}

Result<std::vector<Renewal>> parse_renewals(ByteView bytes) {
  if (bytes.size() < kHeader.size() || as_text(bytes.first(kHeader.size())) != kHeader) {
    return rejected("not a file of renewals");
  }
  bytes = bytes.subspan(kHeader.size());
  if (bytes.size() % kRenewalBytes != 0) return rejected("the file of renewals is cut off");
  std::vector<Renewal> out(bytes.size() / kRenewalBytes);
  for (Renewal& renewal : out) {
    std::copy_n(bytes.begin(), renewal.token.size(), renewal.token.begin());
    std::copy_n(bytes.begin() + 32, renewal.leaf.size(), renewal.leaf.begin());
    bytes = bytes.subspan(kRenewalBytes);
  }
  return out;
}

Result<std::optional<RenewalProof>> find_renewal(std::uint64_t epoch_index,
                                                 const std::vector<Renewal>& renewals,
                                                 const crypto::Sha256& token) {
  const auto found = std::find_if(renewals.begin(), renewals.end(),
                                  [&](const Renewal& renewal) { return renewal.token == token; });
  if (found == renewals.end()) return std::optional<RenewalProof>();
  RenewalProof proof;
  proof.epoch_index = epoch_index;
  proof.leaf_index = static_cast<std::uint64_t>(found - renewals.begin());
  proof.size = renewals.size();
  AVOUCH_TRY(proof.path,
             tlog::make_inclusion_proof(proof.leaf_index, proof.size, nodes_of(renewals)));
  return std::optional(std::move(proof));
}

}  // namespace avouch::control
