// Boot logs: a log of 150 events in three banks read, replayed, compared, bound and judged, against
// what bare OpenSSL takes for the hashes alone: of each event's data and of each extend, in each
// bank. One run, interleaved, so that both meet the same machine.
//
//   bootlog_bench [ROUNDS]

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kEvents = 150;
const std::vector<HashAlgorithm> kBanks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                           HashAlgorithm::kSha384};

// The good boot in three banks, with as many more of GRUB's commands as make it 150 events.
PlainLog make_log() {
  PlainLog good = good_log();
  const BoundLog bound = bind_log(good, testing::corpus_pcrs());
  PlainLog out;
  out.banks = kBanks;
  out.header = make_header(kBanks);
  for (std::size_t i = 0; i < good.events.size(); ++i) {
    const PlainEvent& event = good.events[i];
    const ByteView proven = bound.proven_data(i + 1);
    const Bytes measured = bound.binding(i + 1) == Binding::kNone
                               ? event.digests[1].second
                               : Bytes(proven.begin(), proven.end());
    out.events.push_back(out.make(event.pcr, event.type, event.data, measured));
  }
  const std::size_t at = out.find(8, kIpl, "grub_cmd: insmod");
  while (out.events.size() + 1 < kEvents) {
    const std::string text = "set variable" + std::to_string(out.events.size()) + "=value";
    out.events.insert(out.events.begin() + static_cast<std::ptrdiff_t>(at),
                      out.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
  }
  return out;
}

struct Subject {
  Bytes bytes;
  tpm::PcrValues quoted;
  attest::BootLogSpec policy;
  References references;
};

void judge_once(const Subject& subject) {
  const auto log = read_log(subject.bytes);
  const auto replayed = replay(log.value());
  testing::must(compare(log.value(), replayed, subject.quoted).empty(), "compare");
  const BoundLog bound = bootlog::bind(log.value(), replayed, subject.quoted);
  const Meaning meaning = read_meaning(bound, {});
  const auto judged = judge(bound, meaning, subject.policy, subject.references.get(), nullptr);
  testing::must(judged.reasons.empty(), "judge");
}

struct Bare {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::vector<std::pair<EVP_MD*, HashAlgorithm>> hashes = {
      {EVP_MD_fetch(nullptr, "SHA1", nullptr), HashAlgorithm::kSha1},
      {EVP_MD_fetch(nullptr, "SHA256", nullptr), HashAlgorithm::kSha256},
      {EVP_MD_fetch(nullptr, "SHA384", nullptr), HashAlgorithm::kSha384}};

  void hash(EVP_MD* algorithm, ByteView a, ByteView b, std::uint8_t* out) const {
    testing::must(EVP_DigestInit_ex2(context, algorithm, nullptr) == 1, "init");
    testing::must(EVP_DigestUpdate(context, a.data(), a.size()) == 1, "update");
    if (!b.empty()) testing::must(EVP_DigestUpdate(context, b.data(), b.size()) == 1, "update");
    testing::must(EVP_DigestFinal_ex(context, out, nullptr) == 1, "final");
  }
  // Each event's data, if `data`, and each extend.
  void run(const BootLog& log, bool data) const {
    for (const auto& [algorithm, bank] : hashes) {
      std::array<std::array<std::uint8_t, 64>, tpm::kPcrCount> values{};
      std::array<std::uint8_t, 64> digest{};
      for (const Event& event : log.events()) {
        if (event.type == kNoAction) continue;
        if (data) hash(algorithm, log.data(event), {}, digest.data());
        const ByteView extended = log.digest(event, bank);
        auto& value = values.at(event.pcr);
        hash(algorithm, ByteView(value).first(extended.size()), extended, value.data());
      }
    }
  }
};

template <typename Work>
double microseconds(const Work& work) {
  const auto begin = SteadyClock::now();
  work();
  return std::chrono::duration<double, std::micro>(SteadyClock::now() - begin).count();
}

void measure(int rounds) {
  const PlainLog plain = make_log();
  Subject subject;
  subject.bytes = plain.bytes();
  const BootLog log = must_read(subject.bytes);
  subject.quoted = quote_of(log, kBanks);
  codec::Json spec = foreign_manifest();
  while (add_suggestions(
      appraise(plain, subject.quoted, optional_secure_boot(), references_of(spec)).reasons, spec)) {
  }
  subject.references = references_of(spec);
  for (const char* each : {"quiet", "root=.*"}) {
    subject.policy.command_line_required.push_back(codec::Pattern::compile(each).value());
  }
  const Bare bare;
  std::vector<double> ours, data_and_extends, extends;
  for (int round = 0; round < rounds; ++round) {
    ours.push_back(microseconds([&] { judge_once(subject); }));
    data_and_extends.push_back(microseconds([&] { bare.run(log, true); }));
    extends.push_back(microseconds([&] { bare.run(log, false); }));
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  const double own = median(ours), all = median(data_and_extends), some = median(extends);
  std::printf("%zu events, %zu bytes, %zu banks, medians of %d rounds\n", log.events().size(),
              subject.bytes.size(), kBanks.size(), rounds);
  std::printf("read, replayed, compared, bound and judged: %.1f us\n", own);
  std::printf("bare OpenSSL, data and extends: %.1f us, ratio %.2f\n", all, own / all);
  std::printf("bare OpenSSL, extends alone: %.1f us, ratio %.2f\n", some, own / some);
}

}  // namespace
}  // namespace avouch::bootlog

int main(int argc, char** argv) {
  avouch::bootlog::measure(argc > 1 ? std::atoi(argv[1]) : 2'000);
  return 0;
}
