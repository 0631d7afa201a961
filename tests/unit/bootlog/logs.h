#pragma once

// Real boot logs, and logs made or mutated event by event.

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bootlog/event.h"
#include "bootlog/log.h"
#include "tests/support/corpus.h"
#include "tests/support/vectors.h"

namespace avouch::bootlog {

using crypto::HashAlgorithm;

struct PlainEvent {
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  std::vector<std::pair<HashAlgorithm, Bytes>> digests;
  Bytes data;
};

inline void put_le(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline std::uint16_t tpm_id(HashAlgorithm algorithm) {
  return static_cast<std::uint16_t>(
      algorithm == HashAlgorithm::kSha1 ? 4 : 10 + static_cast<int>(algorithm));
}

// A crypto-agile log as a list of events, to be changed and written again.
struct PlainLog {
  std::vector<HashAlgorithm> banks;
  Bytes header;                    // the first record
  std::vector<PlainEvent> events;  // events[i] is number i + 1 of the log

  Bytes bytes() const {
    Bytes out = header;
    for (const PlainEvent& event : events) {
      put_le(out, event.pcr, 4);
      put_le(out, event.type, 4);
      put_le(out, event.digests.size(), 4);
      for (const auto& [algorithm, digest] : event.digests) {
        put_le(out, tpm_id(algorithm), 2);
        append(out, digest);
      }
      put_le(out, event.data.size(), 4);
      append(out, event.data);
    }
    return out;
  }

  // Before boot services end, where the log has that; else at its end. Its number.
  std::size_t add(PlainEvent event) {
    const auto end = std::find_if(events.begin(), events.end(), [](const PlainEvent& each) {
      return each.pcr == 5 && as_text(each.data) == "Exit Boot Services Invocation";
    });
    return static_cast<std::size_t>(events.insert(end, std::move(event)) - events.begin()) + 1;
  }

  // An event whose digests are those of `measured`.
  PlainEvent make(std::uint32_t pcr, std::uint32_t type, const Bytes& data,
                  const Bytes& measured) const {
    PlainEvent out{pcr, type, {}, data};
    for (const HashAlgorithm bank : banks)
      out.digests.emplace_back(bank, crypto::hash(bank, measured));
    return out;
  }
  PlainEvent make(std::uint32_t pcr, std::uint32_t type, const Bytes& data) const {
    return make(pcr, type, data, data);
  }

  // The first event of which `wanted` holds.
  std::size_t find(const std::function<bool(const PlainEvent&)>& wanted) const {
    const auto at = std::find_if(events.begin(), events.end(), wanted);
    if (at == events.end()) throw std::runtime_error("no such event");
    return static_cast<std::size_t>(at - events.begin());
  }
  std::size_t find(std::uint32_t pcr, std::uint32_t type, std::string_view text = "") const {
    return find([&](const PlainEvent& e) {
      return e.pcr == pcr && e.type == type && as_text(e.data).find(text) != std::string_view::npos;
    });
  }
};

inline Bytes make_header(const std::vector<HashAlgorithm>& banks) {
  Bytes data = to_bytes(std::string_view("Spec ID Event03\0", 16));
  put_le(data, 0, 4);
  append(data, Bytes{0, 2, 0, 2});
  put_le(data, banks.size(), 4);
  for (const HashAlgorithm bank : banks) {
    put_le(data, tpm_id(bank), 2);
    put_le(data, crypto::digest_size(bank), 2);
  }
  data.push_back(0);
  Bytes out;
  put_le(out, 0, 4);
  put_le(out, kNoAction, 4);
  out.resize(28);
  put_le(out, data.size(), 4);
  append(out, data);
  return out;
}

inline PlainLog plain_log(const BootLog& log) {
  PlainLog out;
  for (const LogBank& bank : log.banks()) out.banks.push_back(bank.algorithm.value());
  const Event& first = log.events().front();
  const ByteView header = log.bytes().first(first.data_offset + first.data_size);
  out.header.assign(header.begin(), header.end());
  for (std::size_t i = 1; i < log.events().size(); ++i) {
    const Event& event = log.events()[i];
    PlainEvent plain{event.pcr, event.type, {}, {}};
    for (const HashAlgorithm bank : out.banks) {
      const ByteView digest = log.digest(event, bank);
      plain.digests.emplace_back(bank, Bytes(digest.begin(), digest.end()));
    }
    const ByteView data = log.data(event);
    plain.data.assign(data.begin(), data.end());
    out.events.push_back(std::move(plain));
  }
  return out;
}

// tests/vectors/bootlogs/good.bin, of the boot whose quote is testing::corpus_pcrs().
inline Bytes good_bytes() { return testing::read_vector("bootlogs/good.bin"); }
inline BootLog must_read(const Bytes& bytes) {
  auto log = read_log(bytes);
  if (!log.has_value()) throw std::runtime_error(log.reason().message);
  return std::move(log).value();
}
inline PlainLog good_log() { return plain_log(must_read(good_bytes())); }

}  // namespace avouch::bootlog
