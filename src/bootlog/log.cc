#include "bootlog/log.h"

#include <algorithm>

#include "bootlog/event.h"
#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

using attest::Checked;
using attest::Passed;
using attest::Reason;
using crypto::HashAlgorithm;

constexpr std::uint32_t kPcrs = 24;
constexpr std::size_t kSmallestRecord = 32;
constexpr std::string_view kAgileSignature{"Spec ID Event03\0", 16};
constexpr std::string_view kLocalitySignature{"StartupLocality\0", 16};

struct Algorithm {
  std::uint16_t id;
  std::uint16_t size;
  std::optional<HashAlgorithm> ours;
};
constexpr std::array kAlgorithms = {
    Algorithm{0x0004, 20, HashAlgorithm::kSha1},   Algorithm{0x000b, 32, HashAlgorithm::kSha256},
    Algorithm{0x000c, 48, HashAlgorithm::kSha384}, Algorithm{0x000d, 64, HashAlgorithm::kSha512},
    Algorithm{0x0012, 32, std::nullopt},  // SM3
    Algorithm{0x0027, 32, std::nullopt},  // SHA-3
    Algorithm{0x0028, 48, std::nullopt},           Algorithm{0x0029, 64, std::nullopt},
};

bool starts_with(ByteView data, std::string_view text) {
  return data.size() >= text.size() &&
         std::equal(text.begin(), text.end(), data.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

bool all_zero(ByteView data) {
  return std::all_of(data.begin(), data.end(), [](std::uint8_t b) { return b == 0; });
}

}  // namespace

bool BootLog::has_bank(HashAlgorithm algorithm) const {
  return std::any_of(banks().begin(), banks().end(), [&](const LogBank& bank) {
    return bank.algorithm == algorithm && bank.complete;
  });
}

ByteView BootLog::data(const Event& event) const {
  return ByteView(content_->bytes).subspan(event.data_offset, event.data_size);
}

ByteView BootLog::digest(const Event& event, HashAlgorithm algorithm) const {
  const std::uint32_t at = event.digest_offset[static_cast<std::size_t>(algorithm)];
  if (at == kNowhere) return {};
  return ByteView(content_->bytes).subspan(at, crypto::digest_size(algorithm));
}

class LogReader {
 public:
  LogReader(ByteView log, const Limits& limits) : limits_(limits), reader_(log) {
    content_->bytes.assign(log.begin(), log.end());
    zeros_from_ = log.size();
    while (zeros_from_ > 0 && log[zeros_from_ - 1] == 0) --zeros_from_;
    content_->events.reserve(std::min(log.size() / kSmallestRecord + 1, limits.events));
  }

  Checked<BootLog> read() {
    if (auto header = read_first(); !header.has_value()) return header.reason();
    while (!reader_.at_end()) {
      if (auto event = read_event(); !event.has_value()) return event.reason();
    }
    return BootLog(std::move(content_));
  }

 private:
  using Step = Checked<Passed>;

  std::uint32_t number() const { return static_cast<std::uint32_t>(content_->events.size()); }

  Reason refuse(const std::string& what, std::optional<std::uint32_t> pcr = std::nullopt) const {
    Reason out =
        attest::refuse(code::kMalformed, "event " + std::to_string(number()) + " (offset " +
                                             std::to_string(start_) + "): " + what);
    out.event = attest::EventPlace{pcr, number()};
    return out;
  }
  Reason refuse(const Error& error) const { return refuse(error.message); }

  // The first record is always of the old form; a crypto-agile log's is its header.
  Step read_first() {
    if (auto first = read_event(); !first.has_value()) return first.reason();
    const Event& event = content_->events.front();
    const ByteView data = ByteView(content_->bytes).subspan(event.data_offset, event.data_size);
    if (event.type == kNoAction && starts_with(data, kAgileSignature)) {
      if (auto parsed = read_header(event, data); !parsed.has_value()) return parsed;
      content_->crypto_agile = true;
      return Passed{};
    }
    content_->banks.push_back({0x0004, 20, HashAlgorithm::kSha1});
    return Passed{};
  }

  Step read_header(const Event& event, ByteView data) {
    const auto bad = [&](const std::string& what) {
      Reason out =
          attest::refuse(code::kMalformed, "event 0 (offset 0), the log's header: " + what);
      out.event = attest::EventPlace{event.pcr, 0};
      return out;
    };
    if (event.pcr != 0) return bad("names PCR " + std::to_string(event.pcr) + ", expected 0");
    const ByteView digest = ByteView(content_->bytes).subspan(event.offset + 8, 20);
    if (!all_zero(digest)) return bad("has a digest, expected 20 zero bytes: it is never extended");
    ByteReader in(data);
    const auto read = [&]() -> Result<std::string> {
      AVOUCH_TRY(const ByteView signature, in.take(16, "signature"));
      static_cast<void>(signature);
      AVOUCH_TRY(const std::uint32_t platform, in.le32("platform class"));
      static_cast<void>(platform);
      AVOUCH_TRY(const std::uint8_t minor, in.u8("minor version"));
      AVOUCH_TRY(const std::uint8_t major, in.u8("major version"));
      AVOUCH_TRY(const std::uint8_t errata, in.u8("errata"));
      static_cast<void>(errata);
      if (major != 2 || minor != 0) {
        return "version " + std::to_string(major) + "." + std::to_string(minor) +
               ", expected 2.0 (TCG PC Client crypto-agile log)";
      }
      AVOUCH_TRY(const std::uint8_t word, in.u8("size of UINTN"));
      if (word != 1 && word != 2) {
        return "size of UINTN " + std::to_string(word) + ", expected 1 or 2";
      }
      AVOUCH_TRY(const std::uint32_t count, in.le32("number of algorithms"));
      if (count == 0 || count > kAlgorithms.size()) {
        return std::to_string(count) + " digest algorithms, expected 1 to " +
               std::to_string(kAlgorithms.size());
      }
      for (std::uint32_t i = 0; i < count; ++i) {
        AVOUCH_TRY(const std::uint16_t id, in.le16("algorithm"));
        AVOUCH_TRY(const std::uint16_t size, in.le16("digest size"));
        const auto* known = std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                                         [&](const Algorithm& a) { return a.id == id; });
        if (known == kAlgorithms.end()) return "algorithm " + hex_number(id) + " is not known";
        if (known->size != size) {
          return "algorithm " + hex_number(id) + " with digests of " + std::to_string(size) +
                 " bytes, expected " + std::to_string(known->size);
        }
        for (const LogBank& bank : content_->banks) {
          if (bank.tpm_id == id) return "algorithm " + hex_number(id) + " named twice";
        }
        content_->banks.push_back({id, size, known->ours, true});
      }
      AVOUCH_TRY(const std::uint8_t vendor, in.u8("size of vendor information"));
      if (in.remaining() != vendor) {
        return std::to_string(in.remaining()) + " bytes of vendor information, expected " +
               std::to_string(vendor);
      }
      return std::string();
    };
    auto problem = read();
    if (!problem.has_value()) return bad(problem.error().message);
    if (!problem.value().empty()) return bad(problem.value());
    return Passed{};
  }

  Step read_event() {
    start_ = reader_.offset();
    if (content_->events.size() >= limits_.events) {
      return refuse("more events than the limit of " + std::to_string(limits_.events));
    }
    if (start_ >= zeros_from_) {
      return refuse(std::to_string(reader_.remaining()) +
                    " zero bytes in place of an event: the log must end with its last event");
    }
    Event event;
    event.offset = static_cast<std::uint32_t>(start_);
    const auto read = [&]() -> Result<std::string> {
      AVOUCH_TRY(event.pcr, reader_.le32("PCR"));
      AVOUCH_TRY(event.type, reader_.le32("event type"));
      if (event.pcr >= kPcrs && event.type != kNoAction) {
        return "PCR " + std::to_string(event.pcr) + ", expected 0 to 23";
      }
      if (content_->crypto_agile) {
        AVOUCH_TRY(const std::string problem, read_digests(event));
        if (!problem.empty()) return problem;
      } else {
        event.digest_offset[0] = static_cast<std::uint32_t>(reader_.offset());
        AVOUCH_TRY(const ByteView digest, reader_.take(20, "SHA-1 digest"));
        static_cast<void>(digest);
      }
      AVOUCH_TRY(event.data_size, reader_.le32("size of event data"));
      event.data_offset = static_cast<std::uint32_t>(reader_.offset());
      if (event.data_size > reader_.remaining()) {
        return "data of " + std::to_string(event.data_size) + " bytes, but only " +
               std::to_string(reader_.remaining()) + " are left";
      }
      AVOUCH_TRY(const ByteView data, reader_.take(event.data_size, "event data"));
      return event.type == kNoAction ? check_no_action(event, data) : check_start(event);
    };
    auto problem = read();
    if (!problem.has_value()) return refuse(problem.error());
    if (!problem.value().empty()) return refuse(problem.value(), event.pcr);
    content_->events.push_back(event);
    return Passed{};
  }

  Result<std::string> read_digests(Event& event) {
    std::vector<LogBank>& banks = content_->banks;
    AVOUCH_TRY(const std::uint32_t count, reader_.le32("number of digests"));
    const bool extends = event.type != kNoAction;
    if (count > banks.size() || (count == 0 && extends)) {
      return std::to_string(count) + " digests, expected " + std::to_string(banks.size()) +
             ": one for each algorithm of the header";
    }
    std::uint32_t seen = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      AVOUCH_TRY(const std::uint16_t id, reader_.le16("digest algorithm"));
      const auto bank = std::find_if(banks.begin(), banks.end(),
                                     [&](const LogBank& each) { return each.tpm_id == id; });
      if (bank == banks.end()) {
        return "digest algorithm " + hex_number(id) + ", which the header does not name";
      }
      const std::uint32_t bit = 1U << static_cast<unsigned>(bank - banks.begin());
      if ((seen & bit) != 0) return "two digests of algorithm " + hex_number(id);
      seen |= bit;
      if (bank->algorithm.has_value()) {
        event.digest_offset[static_cast<std::size_t>(*bank->algorithm)] =
            static_cast<std::uint32_t>(reader_.offset());
      }
      AVOUCH_TRY(const ByteView digest, reader_.take(bank->size, "digest"));
      static_cast<void>(digest);
    }
    for (std::size_t i = 0; extends && i < banks.size(); ++i) {
      if ((seen >> i & 1U) == 0) banks[i].complete = false;
    }
    return std::string();
  }

  std::string check_no_action(const Event& event, ByteView data) {
    if (starts_with(data, kAgileSignature) && number() > 0) {
      return "a second header (Spec ID Event03), expected it only first";
    }
    if (!starts_with(data, kLocalitySignature)) return "";
    if (event.pcr != 0) return "StartupLocality in PCR " + std::to_string(event.pcr) + ", not 0";
    if (data.size() != kLocalitySignature.size() + 1) {
      return "StartupLocality of " + std::to_string(data.size()) + " bytes, expected 17";
    }
    if (has_locality_) return "a second StartupLocality";
    if (pcr0_extended_) return "StartupLocality after PCR 0 was extended, expected before";
    const std::uint8_t locality = data.back();
    if (locality != 0 && locality != 3 && locality != 4) {
      return "StartupLocality " + std::to_string(locality) + ", expected 0, 3 or 4";
    }
    has_locality_ = true;
    content_->locality = locality;
    return "";
  }

  std::string check_start(const Event& event) {
    if (event.type == kHcrtmEvent) {
      if (event.pcr != 0) return "H-CRTM event in PCR " + std::to_string(event.pcr) + ", not 0";
      if (pcr0_extended_) return "H-CRTM event after PCR 0 was extended, expected first";
      if (content_->locality != 4) return "H-CRTM event without a StartupLocality of 4 before it";
    }
    if (event.pcr == 0) pcr0_extended_ = true;
    return "";
  }

  Limits limits_;
  ByteReader reader_;
  std::shared_ptr<BootLog::Content> content_ = std::make_shared<BootLog::Content>();
  std::size_t start_ = 0;
  std::size_t zeros_from_ = 0;  // where the zeros at the log's end begin
  bool has_locality_ = false;
  bool pcr0_extended_ = false;
};

Checked<BootLog> read_log(ByteView log, const Limits& limits) {
  if (log.empty()) {
    return attest::refuse(code::kMalformed,
                          "the boot log is empty: expected binary_bios_measurements; a kernel "
                          "without it was not started through its EFI stub, or has no TPM driver");
  }
  if (log.size() > limits.bytes) {
    return attest::refuse(code::kMalformed, "the boot log has " + std::to_string(log.size()) +
                                                " bytes, expected at most " +
                                                std::to_string(limits.bytes));
  }
  return LogReader(log, limits).read();
}

}  // namespace avouch::bootlog
