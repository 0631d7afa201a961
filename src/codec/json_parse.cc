#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "codec/json.h"
#include "codec/utf8.h"

namespace avouch::codec {
namespace {

// Walks the text and counts what the library has read, so that our own errors have a place too.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* consumed) : at_(at), consumed_(consumed) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*consumed_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* consumed_;
};

struct Fault {
  std::size_t offset;  // of the byte after the last one read
  std::string message;
};

// Fills a Json. Pointers to open containers stay valid: only the innermost one grows.
class Builder {
 public:
  Builder(const JsonLimits& limits, const std::size_t& consumed)
      : limits_(limits), consumed_(consumed) {}

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(std::int64_t value) { return add(Json(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return refuse_integer();
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string& text) {
    if (text.find_first_of(".eE") == std::string::npos) return refuse_integer();
    return add(Json(value));
  }
  bool string(std::string& value) { return add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) { return refuse("binary data is not JSON"); }

  bool start_object(std::size_t) { return open(Json(Json::Object())); }
  bool start_array(std::size_t) { return open(Json(Json::Array())); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    const auto [member, is_new] = open_.back()->as_object()->try_emplace(std::move(name));
    if (!is_new) {
      return refuse("duplicate member " + in_quotes(member->first) +
                    ": each name may stand once in an object");
    }
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) {
    fault_ = Fault{position, readable(error)};
    return false;
  }

  Json take_value() { return std::move(root_); }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  // The library's text without its own prefix and without the input, which may be long or secret.
  static std::string readable(const nlohmann::json::exception& error) {
    std::string_view text = error.what();
    if (error.id == 406) return "number out of range: it does not fit a 64-bit floating point";
    const std::size_t start = text.find("syntax error");
    if (start != std::string_view::npos) text.remove_prefix(start);
    return std::string(text.substr(0, text.find("; last read:")));
  }

  bool refuse(std::string message) {
    fault_ = Fault{consumed_, std::move(message)};
    return false;
  }
  bool refuse_integer() {
    return refuse("number out of range: integers must fit 64 bits with sign");
  }

  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (Json::Array* array = open_.back()->as_array())
      return &array->emplace_back(std::move(value));
    *member_ = std::move(value);
    return member_;
  }
  bool has_room() {
    return ++values_ <= limits_.values ||
           refuse("more than " + std::to_string(limits_.values) + " values");
  }
  bool add(Json value) {
    if (!has_room()) return false;
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    if (!has_room()) return false;
    if (open_.size() >= limits_.depth) {
      return refuse("nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    open_.push_back(place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  const std::size_t& consumed_;
  std::size_t values_ = 0;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::optional<Fault> fault_;
};

// Lines and columns count from 1; a column is a code point, not a byte.
Error at(std::string_view text, const Fault& fault) {
  const std::string_view before =
      text.substr(0, std::min(text.size(), std::max<std::size_t>(fault.offset, 1) - 1));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::string_view in_line =
      newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto column = 1 + std::count_if(in_line.begin(), in_line.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                      });
  return rejected("JSON line " + std::to_string(line) + ", column " + std::to_string(column) +
                  ": " + fault.message);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return rejected("JSON of " + std::to_string(text.size()) + " bytes: at most " +
                    std::to_string(limits.bytes) + " are accepted");
  }
  // The library takes a NUL for the end of its input and skips a byte order mark.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return at(text, {nul + 1, "a NUL byte: control characters must be escaped"});
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return at(text, {1, "a byte order mark: expected plain UTF-8 without one"});
  }
  std::size_t consumed = 0;
  Builder builder(limits, consumed);
  const CountingIterator begin(text.data(), &consumed);
  const CountingIterator end(text.data() + text.size(), &consumed);
  if (!nlohmann::json::sax_parse(begin, end, &builder)) {
    return at(text, builder.fault().value_or(Fault{consumed, "syntax error"}));
  }
  return builder.take_value();
}

}  // namespace avouch::codec
