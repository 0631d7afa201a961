#pragma once

#include "base/clock.h"
#include "crypto/keys.h"
#include "tlog/note.h"

namespace avouch::tlog {

inline constexpr const char* kOrigin = "log.example/one";
inline constexpr const char* kAvouchOrigin = "log.example.org/avouch";
inline constexpr SystemTime kNow{std::chrono::seconds{1'800'000'000}};

// Of kAvouchOrigin, a new key in every run.
inline const NoteSigner& signer() {
  static const NoteSigner one =
      NoteSigner::make(kAvouchOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  return one;
}

}  // namespace avouch::tlog
