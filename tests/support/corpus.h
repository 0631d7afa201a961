#pragma once

// Evidence of real boots: tests/vectors/corpus, and the shared corpus of the same layout where it
// lies beside the checkout.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/x509.h"
#include "tests/support/paths.h"
#include "tests/support/tpm_structures.h"
#include "tpm/types.h"

namespace avouch::testing {

inline std::optional<Bytes> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

struct CorpusCase {
  std::string id;
  std::vector<std::filesystem::path> folders;  // its own, then its base's
  codec::Json meta;                            // its base's, with its own overrides
  std::string verdict;                         // "accept" or "reject"
  std::set<std::string> failing_checks;

  Bytes file(const std::string& name) const {
    for (const auto& folder : folders) {
      if (auto bytes = read_file(folder / name)) return *std::move(bytes);
    }
    throw std::runtime_error("corpus case " + id + " has no " + name);
  }
  Bytes nonce() const { return must_value(from_hex(meta.text({"nonce"}))); }

  // meta.quotedPcrs, or with "2" those of the second quote.
  tpm::PcrValues quoted_pcrs(const std::string& which = "") const {
    tpm::PcrValues out;
    const codec::Json* banks = meta.find("quotedPcrs" + which);
    if (banks == nullptr || banks->as_object() == nullptr) return out;
    for (const auto& [bank, values] : *banks->as_object()) {
      for (const auto& [index, digest] : *values.as_object()) {
        const tpm::PcrId pcr{must_value(crypto::parse_hash_name(bank)),
                             static_cast<std::uint8_t>(std::stoi(index))};
        out[pcr] = must_value(from_hex(*digest.as_string()));
      }
    }
    return out;
  }
};

inline codec::Json read_json(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  must(bytes.has_value(), "cannot read " + path.string());
  return must_value(codec::parse_json(as_text(*bytes)));
}

inline CorpusCase read_case(const std::filesystem::path& cases, const std::string& id) {
  CorpusCase out;
  out.id = id;
  out.folders = {cases / id};
  const codec::Json own = read_json(cases / id / "meta.json");
  out.meta = own;
  if (own.find("base") != nullptr) {
    const std::string base(own.text({"base"}));
    out.folders.push_back(cases / base);
    out.meta = read_json(cases / base / "meta.json");
    if (const codec::Json* overrides = own.find("overrides")) {
      for (const auto& [name, value] : *overrides->as_object()) out.meta[name] = value;
    }
  }
  out.verdict = own.text({"expectedVerdict", "verdict"});
  if (const codec::Json* checks = own.find_path({"expectedVerdict", "failingChecks"})) {
    for (const codec::Json& check : *checks->as_array()) {
      out.failing_checks.insert(*check.as_string());
    }
  }
  return out;
}

// Sorted by id. Empty where the folder is missing.
inline std::vector<CorpusCase> read_corpus(const std::filesystem::path& cases) {
  std::set<std::string> ids;
  if (!std::filesystem::is_directory(cases)) return {};
  for (const auto& entry : std::filesystem::directory_iterator(cases)) {
    if (std::filesystem::exists(entry.path() / "meta.json")) ids.insert(entry.path().filename());
  }
  std::vector<CorpusCase> out;
  for (const std::string& id : ids) out.push_back(read_case(cases, id));
  return out;
}

inline std::filesystem::path own_corpus() { return vectors_dir() / "corpus"; }
inline std::filesystem::path shared_corpus() { return shared_dir() / "corpus"; }

// The cases of both, each once.
inline std::vector<CorpusCase> all_cases() {
  std::vector<CorpusCase> out = read_corpus(own_corpus() / "cases");
  std::set<std::string> seen;
  for (const CorpusCase& each : out) seen.insert(each.id);
  const auto shared = shared_folder("corpus");
  if (!shared) return out;
  for (CorpusCase& each : read_corpus(*shared / "cases")) {
    if (seen.insert(each.id).second) out.push_back(std::move(each));
  }
  return out;
}

// "ca1", "ca2" or "ca3": root, then issuer.
inline std::vector<crypto::Certificate> corpus_authority(const std::string& name) {
  std::vector<crypto::Certificate> out;
  for (const char* part : {"rootca", "issuer"}) {
    const auto pem = read_file(own_corpus() / "ca" / (name + "-" + part + ".pem"));
    must(pem.has_value(), "no certificate of " + name);
    for (auto& each : must_value(crypto::Certificate::list_from_pem(as_text(*pem)))) {
      out.push_back(std::move(each));
    }
  }
  return out;
}

}  // namespace avouch::testing
