#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <optional>
#include <streambuf>
#include <string>
#include <unordered_set>

namespace avouch::config {
namespace {

constexpr std::size_t kMaxDepth = 32;
// The library reads a whole list or map in brackets before it tells of its beginning, and takes
// some 230 bytes for each bracket.
constexpr std::size_t kMaxBrackets = 65'536;
constexpr std::size_t kReadAhead = 4096;

struct Refusal {
  int line;
  std::string message;
};

// Gives the parser the text piece by piece, and ends the parse by a Refusal where that has read too
// many brackets without telling of anything.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) : rest_(text) {}

  void forget_brackets() { brackets_ = 0; }

 protected:
  int_type underflow() override {
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    if (rest_.empty()) return traits_type::eof();
    const std::string_view piece = rest_.substr(0, kReadAhead);
    rest_.remove_prefix(piece.size());
    for (const char c : piece) {
      if (c == '\n') ++line_;
      if ((c == '[' || c == '{') && ++brackets_ > kMaxBrackets) {
        throw Refusal{line_, "more than " + std::to_string(kMaxBrackets) +
                                 " brackets ([ and {) in one value"};
      }
    }
    char* begin = const_cast<char*>(piece.data());  // NOLINT: a get area is never written to
    setg(begin, begin, begin + piece.size());
    return traits_type::to_int_type(*begin);
  }

 private:
  std::string_view rest_;
  std::size_t brackets_ = 0;
  int line_ = 1;
};

// Builds the tree from the parser's events; a Refusal ends the parse.
class Builder final : public YAML::EventHandler {
 public:
  // `nodes` are those of the documents before. `refused`: no document may begin any more.
  Builder(const YamlLimits& limits, TextBuffer& text, std::size_t nodes, bool refused)
      : limits_(limits), text_(text), nodes_(nodes), refused_(refused) {}

  YamlNode take() { return std::move(root_); }
  std::size_t nodes() const { return nodes_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!refused_) return;
    throw Refusal{mark.line + 1,
                  limits_.documents == 1
                      ? "a second document (---); expected one"
                      : "more than " + std::to_string(limits_.documents) + " documents"};
  }
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
    bool has_key = false;                    // of a map: the value of its last member comes next
    std::unordered_set<std::string> keys{};  // of its members so far
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  void check(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    text_.forget_brackets();
    if (anchor != 0) throw Refusal{mark.line + 1, "anchors (&name) are not accepted"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{mark.line + 1, "explicit tags (!tag) are not accepted"};
    }
  }

  YamlNode& add(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    check(mark, anchor, tag);
    if (expects_key()) throw Refusal{mark.line + 1, "a key must be a plain or quoted text"};
    if (++nodes_ > limits_.nodes) {
      throw Refusal{mark.line + 1, "more than " + std::to_string(limits_.nodes) + " values"};
    }
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
    if (!open_.back().keys.insert(key).second) {
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

  const YamlLimits& limits_;
  TextBuffer& text_;
  YamlNode root_;
  std::vector<Open> open_;
  std::size_t nodes_;
  const bool refused_;
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

Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, std::string_view name,
                                                   const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    return rejected(std::string(name) + ": larger than " +
                    std::to_string(limits.bytes / (1024 * 1024)) + " MiB");
  }
  if (text.find('\0') != std::string_view::npos) {
    return rejected(std::string(name) + ": contains a zero byte");
  }
  try {
    TextBuffer buffer(text);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    std::vector<YamlNode> out;
    for (std::size_t nodes = 0;;) {
      Builder builder(limits, buffer, nodes, out.size() == limits.documents);
      if (!parser.HandleNextDocument(builder)) return out;
      nodes = builder.nodes();
      out.push_back(builder.take());
    }
  } catch (const Refusal& refusal) {
    return at(name, refusal.line, refusal.message);
  } catch (const YAML::Exception& e) {
    return at(name, e.mark.line + 1, "not YAML: " + e.msg);
  }
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view name) {
  AVOUCH_TRY(std::vector<YamlNode> documents, parse_yaml_documents(text, name, {}));
  return documents.empty() ? YamlNode{} : std::move(documents.front());
}

}  // namespace avouch::config
