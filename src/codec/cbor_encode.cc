#include <cbor/encoding.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "codec/cbor.h"

namespace avouch::codec {
namespace {

// The library's encoders of heads choose the shortest form by themselves.
template <typename Encoder, typename Value>
void append_head(Bytes& out, Encoder encode, Value value) {
  std::array<unsigned char, 9> head{};
  const std::size_t size = encode(value, head.data(), head.size());
  if (size == 0) throw std::logic_error("CBOR: a head does not fit nine bytes");
  append(out, ByteView(head).first(size));
}

}  // namespace

class CborEncoder {
 public:
  Bytes take() { return std::move(out_); }

  void write(const Cbor& value) {
    std::visit([this](const auto& content) { write_content(content); }, value.value_);
  }

 private:
  void write_content(std::monostate) { out_.push_back(0xf6); }
  void write_content(bool value) { append_head(out_, cbor_encode_bool, value); }
  void write_content(std::int64_t value) {
    if (value >= 0) {
      append_head(out_, cbor_encode_uint, static_cast<std::uint64_t>(value));
    } else {
      append_head(out_, cbor_encode_negint, static_cast<std::uint64_t>(-(value + 1)));
    }
  }
  void write_content(const Bytes& value) {
    append_head(out_, cbor_encode_bytestring_start, value.size());
    append(out_, ByteView(value));
  }
  void write_content(const std::string& value) {
    append_head(out_, cbor_encode_string_start, value.size());
    append(out_, std::string_view(value));
  }
  void write_content(const Cbor::Array& value) {
    append_head(out_, cbor_encode_array_start, value.size());
    for (const Cbor& element : value) write(element);
  }
  void write_content(const Cbor::Map& value) {
    std::vector<std::pair<Bytes, const Cbor*>> members;
    members.reserve(value.size());
    for (const auto& [key, member] : value) members.emplace_back(to_cbor(key), &member);
    std::sort(members.begin(), members.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    append_head(out_, cbor_encode_map_start, members.size());
    const Bytes* previous = nullptr;
    for (const auto& [key, member] : members) {
      if (previous != nullptr && *previous == key) {
        throw std::logic_error("CBOR: a map was made with two equal keys");
      }
      append(out_, ByteView(key));
      write(*member);
      previous = &key;
    }
  }
  void write_content(const std::vector<std::pair<std::uint64_t, Cbor>>& tagged) {
    append_head(out_, cbor_encode_tag, tagged.front().first);
    write(tagged.front().second);
  }

  Bytes out_;
};

Bytes to_cbor(const Cbor& value) {
  CborEncoder encoder;
  encoder.write(value);
  return encoder.take();
}

}  // namespace avouch::codec
