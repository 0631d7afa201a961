#pragma once

// Test data of tests/vectors/corpus: real evidence of a real measured boot.

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "base/hex.h"
#include "codec/json.h"
#include "tests/support/paths.h"
#include "tpm/types.h"

namespace avouch::testing {

inline Bytes read_vector(const std::string& path) {
  std::ifstream in(vectors_dir() / path, std::ios::binary);
  if (!in) throw std::runtime_error("no test vector " + path);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return {text.begin(), text.end()};
}

// A file of the good boot.
inline Bytes corpus(const std::string& file) {
  return read_vector("corpus/cases/01-good-baseline/" + file);
}

// The PCR values that the good boot's quote covers.
inline tpm::PcrValues corpus_pcrs() {
  const Bytes meta = corpus("meta.json");
  const auto json = codec::parse_json(as_text(meta));
  tpm::PcrValues out;
  for (const auto& [bank, values] : *json->find("quotedPcrs")->as_object()) {
    for (const auto& [index, value] : *values.as_object()) {
      out[{*crypto::parse_hash_name(bank), static_cast<std::uint8_t>(std::stoi(index))}] =
          *from_hex(*value.as_string());
    }
  }
  return out;
}

}  // namespace avouch::testing
