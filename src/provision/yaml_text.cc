#include "provision/yaml_text.h"

#include <algorithm>

namespace avouch::provision {
namespace {

using codec::Json;

// Words that only look like text, in any of YAML's versions.
bool is_reserved(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char each) {
    return each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : static_cast<char>(each);
  });
  for (const std::string_view word :
       {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return true;
  }
  return false;
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > 200 || is_reserved(text)) return false;
  const auto letter = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
  };
  return letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char each) {
           return letter(each) || (each >= '0' && each <= '9') || each == '-' || each == '.' ||
                  each == '/' || each == '_';
         });
}

// Whether a literal block says exactly this: printable ASCII, no line that begins with a space.
bool fits_block(std::string_view text) {
  if (!text.ends_with('\n') || text.starts_with('\n') || text.ends_with("\n\n")) return false;
  bool begins = true;
  for (const char each : text) {
    if (begins && each == ' ') return false;
    if (each != '\n' && (each < 0x20 || each > 0x7e)) return false;
    begins = each == '\n';
  }
  return true;
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  // The value behind "key:" or "-". Objects of ours nest a few levels deep.
  void value(const Json& json, std::size_t indent) {  // NOLINT(misc-no-recursion)
    if (const auto* members = json.as_object(); members != nullptr && !members->empty()) {
      out_ += '\n';
      return object(*members, indent, false);
    }
    if (const auto* items = json.as_array(); items != nullptr && !items->empty()) {
      out_ += '\n';
      return array(*items, indent);
    }
    out_ += ' ';
    scalar(json, indent);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void object(const Json::Object& members, std::size_t indent, bool begun) {
    for (const auto& [name, member] : members) {
      if (!begun) out_.append(indent, ' ');
      begun = false;
      key(name);
      value(member, indent + 2);
    }
  }

 private:
  void array(const Json::Array& items, std::size_t indent) {  // NOLINT(misc-no-recursion)
    for (const Json& item : items) {
      out_.append(indent, ' ');
      out_ += '-';
      const auto* members = item.as_object();
      if (members != nullptr && !members->empty()) {
        out_ += ' ';
        object(*members, indent + 2, true);
      } else {
        value(item, indent + 2);
      }
    }
  }

  void key(std::string_view text) {
    out_ += is_plain(text) ? std::string(text) : codec::to_json(Json(text));
    out_ += ':';
  }

  void scalar(const Json& json, std::size_t indent) {
    const std::string* text = json.as_string();
    if (text != nullptr && fits_block(*text)) {
      out_ += "|\n";
      for (std::size_t start = 0; start < text->size();) {
        const std::size_t end = text->find('\n', start) + 1;
        if (end - start > 1) out_.append(indent, ' ');
        out_.append(*text, start, end - start);
        start = end;
      }
      return;
    }
    out_ += text != nullptr && is_plain(*text) ? *text : codec::to_json(json);
    out_ += '\n';
  }

  std::string& out_;
};

}  // namespace

std::string to_yaml(std::span<const codec::Json> objects, std::span<const std::string> remarks) {
  std::string out;
  for (const std::string& remark : remarks) {
    out += "# ";
    for (const char each : remark) {
      if (each == '\n') {
        out += "\n# ";
      } else {
        out += each < 0x20 || each > 0x7e ? '?' : each;
      }
    }
    out += '\n';
  }
  bool first = true;
  for (const Json& object : objects) {
    if (!first) out += "---\n";
    first = false;
    if (const auto* members = object.as_object()) Writer(out).object(*members, 0, false);
  }
  return out;
}

}  // namespace avouch::provision
