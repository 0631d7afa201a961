#pragma once

// Test data of tests/vectors/tlog: lines `name = value`.

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "tests/support/paths.h"
#include "tlog/tree.h"

namespace avouch::testing {

class LogVectors {
 public:
  explicit LogVectors(const std::string& file) {
    std::ifstream in(vectors_dir() / "tlog" / file);
    for (std::string line; std::getline(in, line);) {
      const auto equals = line.find(" = ");
      if (equals == std::string::npos) throw std::runtime_error(file + ": " + line);
      values_[line.substr(0, equals)] = line.substr(equals + 3);
    }
    if (values_.empty()) throw std::runtime_error("no test vectors in " + file);
  }

  const std::map<std::string, std::string>& all() const { return values_; }
  const std::string& text(const std::string& name) const { return values_.at(name); }
  Bytes bytes(const std::string& name) const { return from_hex(values_.at(name)).value(); }
  std::string decoded_text(const std::string& name) const {
    const Bytes value = bytes(name);
    return std::string(as_text(value));
  }
  tlog::Hash hash(const std::string& name) const { return to_hash(values_.at(name)); }

  static tlog::Hash to_hash(const std::string& hex) {
    const Bytes value = from_hex(hex).value();
    tlog::Hash hash{};
    if (value.size() != hash.size()) throw std::runtime_error("not a hash: " + hex);
    std::copy(value.begin(), value.end(), hash.begin());
    return hash;
  }
  static std::vector<tlog::Hash> to_hashes(const std::string& list) {
    std::vector<tlog::Hash> hashes;
    std::istringstream in(list);
    for (std::string hex; std::getline(in, hex, ',');) hashes.push_back(to_hash(hex));
    return hashes;
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace avouch::testing
