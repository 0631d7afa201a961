#include "tlog/log_policy.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "tlog/shard_name.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;

// Of which chain (shard_name.h) a log of that name is, or else itself.
std::string_view chain_of(std::string_view name) {
  const auto slash = name.rfind('/');
  const bool has_label = slash != std::string_view::npos && slash + 1 < name.size() &&
                         begin_of(name.substr(slash + 1)).has_value();
  return has_label ? name.substr(0, slash) : name;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

Result<std::string> url_of(std::span<const std::string_view> words, std::size_t at) {
  if (words.size() <= at) return std::string();
  const std::string_view url = words[at];
  const bool has_scheme = url.starts_with("https://") || url.starts_with("http://");
  if (words.size() > at + 1) return rejected("has words behind its URL");
  if (!has_scheme || url.size() > kMaxUrlBytes) {
    return rejected("URL: expected https://... or http://..., at most 2048 bytes");
  }
  return std::string(url);
}

}  // namespace

class LogPolicyParser {
 public:
  Result<LogPolicy> parse(std::string_view text) {
    if (text.size() > kMaxLogPolicyBytes) {
      return rejected("log policy has " + std::to_string(text.size()) + " bytes, at most " +
                      std::to_string(kMaxLogPolicyBytes) + " are read");
    }
    for (std::size_t number = 1; !text.empty(); ++number) {
      const auto end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (auto taken = take(words_of(line)); !taken.has_value()) {
        return with_context(taken.error(), "log policy, line " + std::to_string(number));
      }
    }
    if (!has_quorum_) {
      return rejected(
          "log policy: has no quorum line; expected \"quorum NAME\" or \"quorum none\"");
    }
    return std::move(policy_);
  }

 private:
  using Words = std::vector<std::string_view>;
  using Component = LogPolicy::Component;

  Result<void> take(const Words& words) {
    if (words.empty() || words.front().starts_with('#')) return {};
    if (policy_.logs_.size() + policy_.components_.size() >= kMaxLogPolicyNames) {
      return rejected("more than " + std::to_string(kMaxLogPolicyNames) +
                      " logs, witnesses and groups");
    }
    if (words.front() == "log") return take_log(words);
    if (words.front() == "witness") return take_witness(words);
    if (words.front() == "group") return take_group(words);
    if (words.front() == "quorum") return take_quorum(words);
    return rejected("\"" + std::string(words.front().substr(0, 64)) +
                    "\": expected log, witness, group or quorum");
  }

  Result<void> take_log(const Words& words) {
    if (words.size() < 2) return rejected("expected log VKEY [URL]");
    AVOUCH_TRY(NoteVerifier key, parse_vkey(words[1]));
    AVOUCH_TRY(std::string url, url_of(words, 2));
    // The logs of a chain have one key, each under its own name.
    const bool is_of_chain =
        std::any_of(policy_.logs_.begin(), policy_.logs_.end(), [&](const KnownLog& known) {
          return known.key.key == key.key && known.key.name != key.name &&
                 chain_of(known.key.name) == chain_of(key.name);
        });
    const bool is_twice =
        std::any_of(policy_.logs_.begin(), policy_.logs_.end(),
                    [&](const KnownLog& known) { return known.key.key_id == key.key_id; });
    if (!is_of_chain || is_twice) AVOUCH_CHECK(once(key));
    policy_.logs_.push_back({std::move(key), std::move(url)});
    return {};
  }

  Result<void> take_witness(const Words& words) {
    if (words.size() < 3) return rejected("expected witness NAME VKEY [URL]");
    AVOUCH_CHECK(check_new_name(words[1]));
    AVOUCH_TRY(CosignerKey key, parse_cosigner_vkey(words[2]));
    AVOUCH_TRY(std::string url, url_of(words, 3));
    AVOUCH_CHECK(once(key));
    Component component;
    component.name = std::string(words[1]);
    component.witness = policy_.witnesses_.size();
    define(std::move(component));
    policy_.witnesses_.push_back({std::string(words[1]), std::move(key), std::move(url)});
    return {};
  }

  Result<void> take_group(const Words& words) {
    if (words.size() < 4) return rejected("expected group NAME all|any|K MEMBER...");
    AVOUCH_CHECK(check_new_name(words[1]));
    Component group;
    group.name = std::string(words[1]);
    for (std::size_t i = 3; i < words.size(); ++i) {
      AVOUCH_TRY(const std::size_t member, find(words[i]));
      if (policy_.components_[member].in_group) {
        return rejected("\"" + std::string(words[i]) + "\" is in a group already");
      }
      policy_.components_[member].in_group = true;
      group.members.push_back(member);
    }
    AVOUCH_TRY(group.needed, needed(words[2], group.members.size()));
    define(std::move(group));
    return {};
  }

  Result<void> take_quorum(const Words& words) {
    if (words.size() != 2) return rejected("expected quorum NAME or quorum none");
    if (has_quorum_) return rejected("a second quorum; expected exactly one");
    has_quorum_ = true;
    if (words[1] == "none") return {};
    AVOUCH_TRY(policy_.quorum_, find(words[1]));
    return {};
  }

  static Result<std::size_t> needed(std::string_view word, std::size_t members) {
    if (word == "all") return members;
    if (word == "any") return std::size_t{1};
    std::size_t count = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (failure != std::errc() || end != word.data() + word.size() || word.front() == '0' ||
        count > members) {
      return rejected("\"" + std::string(word.substr(0, 64)) + "\": expected all, any or 1 to " +
                      std::to_string(members) + ", the number of members");
    }
    return count;
  }

  Result<void> check_new_name(std::string_view name) {
    if (name == "none" || name.size() > 256) {
      return rejected("a name is 1 to 256 bytes, and not \"none\"");
    }
    if (names_.contains(name)) {
      return rejected("\"" + std::string(name) + "\" is defined already");
    }
    return {};
  }

  Result<std::size_t> find(std::string_view name) {
    const auto found = names_.find(name);
    if (found == names_.end()) {
      return rejected("\"" + std::string(name.substr(0, 256)) +
                      "\" is not defined above: expected a witness or group");
    }
    return found->second;
  }

  // One key that counts twice would be half a quorum.
  Result<void> once(const NamedKey& key) {
    AVOUCH_TRY(const Bytes raw, key.key.ed25519_raw());
    if (!keys_.insert(raw).second) return rejected("this public key is in the policy already");
    return {};
  }

  void define(Component component) {
    names_.emplace(component.name, policy_.components_.size());
    policy_.components_.push_back(std::move(component));
  }

  LogPolicy policy_;
  bool has_quorum_ = false;
  std::map<std::string, std::size_t, std::less<>> names_;
  std::set<Bytes> keys_;
};

Result<LogPolicy> LogPolicy::parse(std::string_view text) { return LogPolicyParser().parse(text); }

std::vector<CosignerKey> LogPolicy::cosigner_keys() const {
  std::vector<CosignerKey> keys;
  for (const KnownWitness& witness : witnesses_) keys.push_back(witness.key);
  return keys;
}

// Groups are made of what stands before them and of nothing twice: a tree, no deeper than its size,
// and walked from its leaves.
bool LogPolicy::is_component_met(std::size_t component, const std::vector<bool>& cosigned) const {
  std::vector<bool> met(component + 1);
  for (std::size_t i = 0; i <= component; ++i) {
    const Component& one = components_[i];
    if (one.witness) {
      met[i] = cosigned[*one.witness];
      continue;
    }
    std::size_t count = 0;
    for (const std::size_t member : one.members) count += met[member] ? 1 : 0;
    met[i] = count >= one.needed;
  }
  return met[component];
}

bool LogPolicy::is_quorum(std::span<const std::string> names) const {
  if (!quorum_) return true;
  std::vector<bool> there(witnesses_.size());
  for (std::size_t i = 0; i < witnesses_.size(); ++i) {
    there[i] = std::find(names.begin(), names.end(), witnesses_[i].name) != names.end();
  }
  return is_component_met(*quorum_, there);
}

bool LogPolicy::is_met(std::span<const Cosignature> cosignatures) const {
  if (!quorum_) return true;
  return quorum_time(cosignatures).has_value();
}

std::optional<std::uint64_t> LogPolicy::quorum_time(
    std::span<const Cosignature> cosignatures) const {
  if (!quorum_) return std::nullopt;
  std::vector<Cosignature> newest_first(cosignatures.begin(), cosignatures.end());
  std::sort(newest_first.begin(), newest_first.end(),
            [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  std::vector<bool> cosigned(witnesses_.size());
  for (const Cosignature& one : newest_first) {
    for (std::size_t i = 0; i < witnesses_.size(); ++i) {
      const CosignerKey& key = witnesses_[i].key;
      if (key.name == one.name && key.key_id == one.key_id) cosigned[i] = true;
    }
    if (is_component_met(*quorum_, cosigned)) return one.seconds;
  }
  return std::nullopt;
}

}  // namespace avouch::tlog
