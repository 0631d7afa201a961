// ConfigMaps that administrators write: the inventory of TPMs, and the makers' certificates. Read
// as a whole, so that every fault is named at once.

#include <algorithm>

#include "attest/enrolment.h"

namespace avouch::attest {
namespace {

constexpr std::size_t kMostFaults = 20;
constexpr std::size_t kMostPerNode = 16;
constexpr std::size_t kMaxTrustAnchors = 1000;
constexpr std::size_t kLongestNodeName = 253;

class Faults {
 public:
  void add(const std::string& fault) {
    if (count_++ < kMostFaults) text_ += (text_.empty() ? "" : "; ") + fault;
  }
  bool any() const { return count_ > 0; }
  std::string text() const {
    return count_ <= kMostFaults
               ? text_
               : text_ + "; and " + std::to_string(count_ - kMostFaults) + " more";
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) out.push_back(c >= ' ' && c <= '~' ? c : '?');
  return out + "\"";
}

// RFC 1123 subdomain, as the API server asks of a Node's name.
bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestNodeName) return false;
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_edge = i == 0 || i + 1 == name.size() || name[i - 1] == '.' || name[i + 1] == '.';
    if (is_plain(name[i])) continue;
    if (is_edge || (name[i] != '-' && name[i] != '.')) return false;
  }
  return true;
}

class InventoryReader {
 public:
  void read_entry(const std::string& node, std::string_view text) {
    if (!is_node_name(node)) {
      faults_.add("entry " + quoted(node) + ": the key is no name of a node");
    }
    std::vector<crypto::Sha256>& digests = out_[node];
    bool is_empty = true;
    std::size_t line = 0;
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find('\n', start), text.size());
      const std::string where = "entry " + quoted(node) + ", line " + std::to_string(++line);
      std::string_view content = text.substr(start, end - start);
      content = content.substr(0, content.find('#'));
      is_empty = read_line(content, where, digests) && is_empty;
      start = end + 1;
    }
    if (is_empty) faults_.add("entry " + quoted(node) + ": is empty, expected sha256:HEX");
    if (digests.size() > kMostPerNode) {
      faults_.add("entry " + quoted(node) + ": has " + std::to_string(digests.size()) +
                  " digests, at most " + std::to_string(kMostPerNode) + " are accepted");
    }
  }

  Result<Inventory> finish() && {
    if (faults_.any()) return rejected(faults_.text());
    return std::move(out_);
  }

 private:
  // True if the line says nothing.
  bool read_line(std::string_view line, const std::string& where,
                 std::vector<crypto::Sha256>& digests) {
    constexpr std::string_view kBlank = " \t\r";
    bool is_empty = true;
    for (std::size_t start = line.find_first_not_of(kBlank); start != std::string_view::npos;) {
      const std::size_t end = std::min(line.find_first_of(kBlank, start), line.size());
      is_empty = false;
      const std::string_view word = line.substr(start, end - start);
      const auto digest = parse_digest_text(word);
      if (!digest.has_value()) {
        faults_.add(where + ": " + quoted(word) +
                    " is no digest: expected sha256: and 64 lower-case hexadecimal digits");
      } else if (const auto [first, is_new] = where_.emplace(digest.value(), where); !is_new) {
        faults_.add(where + ": " + quoted(word) + " stands in " + first->second +
                    " already, and one TPM is in one node");
      } else {
        digests.push_back(digest.value());
      }
      start = line.find_first_not_of(kBlank, end);
    }
    return is_empty;
  }

  Faults faults_;
  Inventory out_;
  std::map<crypto::Sha256, std::string> where_;
};

}  // namespace

Result<Inventory> parse_inventory(const std::map<std::string, std::string>& data) {
  InventoryReader reader;
  for (const auto& [node, text] : data) reader.read_entry(node, text);
  return std::move(reader).finish();
}

Result<std::vector<crypto::Certificate>> parse_trust_bundle(
    const std::map<std::string, std::string>& data) {
  Faults faults;
  std::vector<crypto::Certificate> out;
  for (const auto& [key, pem] : data) {
    auto certificates = crypto::Certificate::list_from_pem(pem);
    if (!certificates.has_value()) {
      faults.add("trust bundle " + quoted(key) + ": " + certificates.error().message);
      continue;
    }
    for (std::size_t i = 0; i < certificates->size(); ++i) {
      const crypto::Certificate& each = (*certificates)[i];
      if (each.is_ca()) continue;
      faults.add("trust bundle " + quoted(key) + ": PEM block " + std::to_string(i + 1) + ", " +
                 quoted(each.subject()) +
                 ", is not a certificate authority's (basicConstraints): expected the makers' root "
                 "and intermediate certificates");
    }
    out.insert(out.end(), certificates->begin(), certificates->end());
  }
  if (out.size() > kMaxTrustAnchors) {
    faults.add("trust bundle: has more than " + std::to_string(kMaxTrustAnchors) + " certificates");
  }
  if (faults.any()) return rejected(faults.text());
  if (out.empty()) return rejected("trust bundle: has no entry, expected PEM certificates");
  return out;
}

}  // namespace avouch::attest
