#pragma once

// The digests of one algorithm, in 256 buckets by their first byte, each sorted. Private to
// reference/.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "reference/digest_set.h"

namespace avouch::reference {

class DigestTable {
 public:
  virtual ~DigestTable() = default;
  static std::unique_ptr<DigestTable> make(crypto::HashAlgorithm algorithm);

  virtual void add(ByteView digest) = 0;             // of the table's size
  virtual void seal() = 0;                           // sorts, removes duplicates, gives memory back
  virtual bool contains(ByteView digest) const = 0;  // sealed only; of the table's size
  virtual std::size_t size() const = 0;
  virtual std::size_t memory_bytes() const = 0;
  virtual void append_to(Bytes& out) const = 0;  // all digests, ascending
};

template <std::size_t kSize>
class SizedDigestTable final : public DigestTable {
 public:
  void add(ByteView digest) override {
    Record record;
    std::copy_n(digest.begin(), kSize, record.begin());
    buckets_[record[0]].push_back(record);
  }

  void seal() override {
    for (Bucket& bucket : buckets_) {
      std::sort(bucket.begin(), bucket.end(), is_less);
      bucket.erase(std::unique(bucket.begin(), bucket.end()), bucket.end());
      bucket.shrink_to_fit();
    }
  }

  // Starts where the digest would be if digests were spread evenly, as hashes are, and closes in
  // on it in steps that double: however uneven they are, it takes O(log n).
  bool contains(ByteView digest) const override {
    const Bucket& bucket = buckets_[digest[0]];
    if (bucket.empty()) return false;
    const std::size_t guess = (std::uint64_t{digest[1]} << 24 | std::uint64_t{digest[2]} << 16 |
                               std::uint64_t{digest[3]} << 8 | digest[4]) *
                                  std::uint64_t{bucket.size()} >>
                              32;
    const auto compare = [&](std::size_t at) {
      return std::memcmp(bucket[at].data(), digest.data(), kSize);
    };
    std::size_t low = guess;   // everything before is smaller
    std::size_t high = guess;  // everything from here on is greater
    std::size_t step = 1;
    const int first = compare(guess);
    if (first == 0) return true;
    if (first < 0) {
      low = high = guess + 1;
      while (high < bucket.size() && compare(high) < 0) {
        low = high + 1;
        high = std::min(bucket.size(), high + step);
        step *= 2;
      }
      if (high < bucket.size() && compare(high) == 0) return true;
    } else {
      while (low > 0) {
        const std::size_t next = low - std::min(low, step);
        if (compare(next) <= 0) {
          low = next;
          break;
        }
        high = low = next;
        step *= 2;
      }
    }
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const int order = compare(middle);
      if (order == 0) return true;
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return false;
  }

  std::size_t size() const override {
    std::size_t total = 0;
    for (const Bucket& bucket : buckets_) total += bucket.size();
    return total;
  }

  std::size_t memory_bytes() const override {
    std::size_t total = sizeof(*this);
    for (const Bucket& bucket : buckets_) total += bucket.capacity() * kSize;
    return total;
  }

  void append_to(Bytes& out) const override {
    for (const Bucket& bucket : buckets_) {
      for (const Record& record : bucket) out.insert(out.end(), record.begin(), record.end());
    }
  }

 private:
  using Record = std::array<std::uint8_t, kSize>;
  using Bucket = std::vector<Record>;
  static bool is_less(const Record& a, const Record& b) {
    return std::memcmp(a.data(), b.data(), kSize) < 0;
  }

  std::array<Bucket, 256> buckets_;
};

}  // namespace avouch::reference
