#include "control/cold_item.h"

#include <utility>

namespace avouch::control {

void ColdItem::put(ColdStore& store, Bytes bytes,
                   const std::function<void(const Error&)>& refused) {
  const crypto::Sha256 digest = crypto::sha256(bytes);
  if (store_ == &store && digest == digest_) return;
  ColdItem out;
  out.digest_ = digest;
  const auto place = store.put(bytes);
  if (place.has_value()) {
    out.store_ = &store;
    out.place_ = *place;
  } else {
    bytes.shrink_to_fit();
    out.here_ = std::move(bytes);
    if (refused) refused(place.error());
  }
  *this = std::move(out);
}

ColdItem::~ColdItem() {
  if (store_ != nullptr) store_->drop(place_);
}

ColdItem::ColdItem(ColdItem&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      place_(other.place_),
      digest_(other.digest_),
      here_(std::move(other.here_)) {}

ColdItem& ColdItem::operator=(ColdItem&& other) noexcept {
  if (this == &other) return *this;
  if (store_ != nullptr) store_->drop(place_);
  store_ = std::exchange(other.store_, nullptr);
  place_ = other.place_;
  digest_ = other.digest_;
  here_ = std::move(other.here_);
  return *this;
}

Result<Bytes> ColdItem::get() const {
  if (here_) return *here_;
  if (store_ == nullptr) return fatal("nothing was put out of memory here");
  AVOUCH_TRY(Bytes bytes, store_->get(place_));
  if (bytes.size() != place_.size || crypto::sha256(bytes) != digest_) {
    return fatal("what was put out of memory has been changed: its " + std::to_string(place_.size) +
                 " bytes have another SHA-256 than they had");
  }
  return bytes;
}

}  // namespace avouch::control
