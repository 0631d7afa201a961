#pragma once

// Readers of tests/vectors, for the crypto tests.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/hex.h"
#include "crypto/x509.h"
#include "tests/support/paths.h"

namespace avouch::crypto {

inline std::string read_vector(const std::string& path) {
  std::ifstream in(testing::vectors_dir() / path, std::ios::binary);
  if (!in) ADD_FAILURE() << "no test vector " << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline Bytes unhex(std::string_view text) { return from_hex(text).value(); }

// A key of this type, the same one during a run: RSA keys take long to make.
inline const PrivateKey& test_key(KeyType type) {
  static std::map<KeyType, PrivateKey> keys;
  const auto found = keys.find(type);
  return found != keys.end() ? found->second
                             : keys.emplace(type, PrivateKey::generate(type)).first->second;
}

// The lines `name = hex` of a file.
inline std::map<std::string, Bytes> read_hex_vectors(const std::string& path) {
  std::map<std::string, Bytes> out;
  std::istringstream lines(read_vector(path));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (line.starts_with('#') || equals == std::string::npos) continue;
    out[line.substr(0, equals)] = unhex(line.substr(equals + 3));
  }
  return out;
}

// The certificates of a PEM file by the name in the comment line above each.
inline std::map<std::string, Certificate> read_named_certificates(const std::string& path) {
  std::map<std::string, Certificate> out;
  std::istringstream lines(read_vector(path));
  std::string name;
  std::string block;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) name = line.substr(2);
    if (line.starts_with("-----BEGIN")) block.clear();
    block += line + "\n";
    if (!line.starts_with("-----END")) continue;
    out.emplace(name, Certificate::list_from_pem(block).value().front());
  }
  return out;
}

}  // namespace avouch::crypto
