#pragma once

// One value's bytes, outside the heap. What stays here is where they are and their SHA-256, made
// before they were given away: bytes that were changed, cut or exchanged meanwhile do not come
// back.

#include <functional>
#include <string>

#include "base/boxed.h"
#include "base/bytes.h"
#include "base/result.h"
#include "control/cold_store.h"
#include "crypto/hash.h"

namespace avouch::control {

class ColdItem {
 public:
  ColdItem() = default;  // of nothing
  ~ColdItem();
  ColdItem(ColdItem&& other) noexcept;
  ColdItem& operator=(ColdItem&& other) noexcept;

  // The store outlives this. What was here before is given up, unless it is the same. Where the
  // store does not take the bytes they are kept here, and `refused` hears why: nothing is lost by a
  // full disk but memory.
  void put(ColdStore& store, Bytes bytes, const std::function<void(const Error&)>& refused);
  // kRetryable: they cannot be read. kFatal: they are not those that were put.
  Result<Bytes> get() const;

 private:
  ColdStore* store_ = nullptr;
  ColdStore::Place place_;
  crypto::Sha256 digest_{};
  Boxed<Bytes> here_;
};

}  // namespace avouch::control
