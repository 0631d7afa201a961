#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <optional>
#include <streambuf>

namespace avouch::config {
namespace {

constexpr std::size_t kMaxBytes = 1024 * 1024;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxNodes = 100'000;

struct Refusal {
  int line;
  std::string message;
};

// Builds the tree from the parser's events; a Refusal ends the parse.
class Builder final : public YAML::EventHandler {
 public:
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode& node = add(mark, anchor, "");
    node.kind = YamlNode::Kind::kNull;
    leave_scalar();
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{mark.line + 1, "aliases (*name) are not accepted; write the value out"};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (expects_key()) {
      check(mark, anchor, tag);
      return begin_member(mark, value);
    }
    YamlNode& node = add(mark, anchor, tag);
    node.kind = YamlNode::Kind::kScalar;
    node.text = value;
    node.quoted = tag == "!";
    if (!node.quoted && (value == "null" || value == "~")) node.kind = YamlNode::Kind::kNull;
    leave_scalar();
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(add(mark, anchor, tag), YamlNode::Kind::kSequence, mark);
  }
  void OnSequenceEnd() override { leave(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(add(mark, anchor, tag), YamlNode::Kind::kMap, mark);
  }
  void OnMapEnd() override { leave(); }

 private:
  struct Open {
    YamlNode* node;
    bool has_key = false;  // of a map: the value of its last member comes next
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  static void check(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    if (anchor != 0) throw Refusal{mark.line + 1, "anchors (&name) are not accepted"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{mark.line + 1, "explicit tags (!tag) are not accepted"};
    }
  }

  YamlNode& add(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    check(mark, anchor, tag);
    if (expects_key()) throw Refusal{mark.line + 1, "a key must be a plain or quoted text"};
    if (++nodes_ > kMaxNodes) throw Refusal{mark.line + 1, "more than 100,000 values"};
    YamlNode* node = &root_;
    if (!open_.empty()) {
      YamlNode& parent = *open_.back().node;
      node = parent.kind == YamlNode::Kind::kMap ? &parent.members.back().value
                                                 : &parent.items.emplace_back();
    }
    node->line = mark.line + 1;
    return *node;
  }

  void begin_member(const YAML::Mark& mark, const std::string& key) {
    YamlNode& map = *open_.back().node;
    if (map.find(key) != nullptr) {
      throw Refusal{mark.line + 1, "\"" + key + "\" is given twice in one map"};
    }
    map.members.push_back({key, YamlNode{}});
    map.members.back().value.line = mark.line + 1;
    open_.back().has_key = true;
  }

  void enter(YamlNode& node, YamlNode::Kind kind, const YAML::Mark& mark) {
    if (open_.size() >= kMaxDepth) throw Refusal{mark.line + 1, "nested deeper than 32"};
    node.kind = kind;
    open_.push_back({&node});
  }

  void leave() {
    open_.pop_back();
    leave_scalar();
  }

  void leave_scalar() {
    if (!open_.empty()) open_.back().has_key = false;
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
};

class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

class NothingMore final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Refusal{mark.line + 1, "a second document (---); expected one"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

Error at(std::string_view name, int line, const std::string& message) {
  return rejected(std::string(name) + ":" + std::to_string(line) + ": " + message);
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kScalar:
      return "a value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kNull:
      break;
  }
  return "nothing";
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view name) {
  if (text.size() > kMaxBytes) return rejected(std::string(name) + ": larger than 1 MiB");
  if (text.find('\0') != std::string_view::npos) {
    return rejected(std::string(name) + ": contains a zero byte");
  }
  try {
    ViewBuffer buffer(text);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    Builder builder;
    parser.HandleNextDocument(builder);
    NothingMore rest;
    parser.HandleNextDocument(rest);
    return builder.take();
  } catch (const Refusal& refusal) {
    return at(name, refusal.line, refusal.message);
  } catch (const YAML::Exception& e) {
    return at(name, e.mark.line + 1, "not YAML: " + e.msg);
  }
}

}  // namespace avouch::config
