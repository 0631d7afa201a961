#include "runtimelog/findings.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace avouch::runtimelog {
namespace {

constexpr std::string_view kFindingsMagic = "avrtfnd1";

template <typename Of>
auto all_counts(Of& counts) {
  return std::array{&counts.refused,    &counts.by_reference, &counts.by_signature,
                    &counts.excluded,   &counts.buffers,      &counts.not_judged,
                    &counts.violations, &counts.second_boots};
}

std::uint64_t* count_of(Counts& counts, AcceptedBy by) {
  switch (by) {
    case AcceptedBy::kBootAggregate:
      return nullptr;
    case AcceptedBy::kReference:
      return &counts.by_reference;
    case AcceptedBy::kSignature:
      return &counts.by_signature;
    case AcceptedBy::kExclude:
      return &counts.excluded;
    case AcceptedBy::kBuffer:
      return &counts.buffers;
    case AcceptedBy::kNotJudged:
      return &counts.not_judged;
    case AcceptedBy::kViolation:
      return &counts.violations;
    case AcceptedBy::kSecondBoot:
      return &counts.second_boots;
    case AcceptedBy::kNothing:
      break;
  }
  return &counts.refused;
}

Result<void> read_into(ByteReader& reader, crypto::Sha256& out) {
  AVOUCH_TRY(const ByteView bytes, reader.take(out.size(), "digest"));
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return {};
}

}  // namespace

Findings Findings::start(const BootIdentity& boot, const crypto::Sha256& rules) {
  Findings out;
  out.boot_ = boot;
  out.rules_ = rules;
  return out;
}

std::vector<IssueReference> Findings::issues() const {
  return {issues_.begin(), issues_.begin() + issue_count_};
}

void Findings::add(const Entry& entry, const Judgement& judgement) {
  ++entries_;
  log_.update(entry.bytes);
  if (judgement.aggregate != AggregateForm::kNone) aggregate_ = judgement.aggregate;
  if (std::uint64_t* count = count_of(counts_, judgement.by)) ++*count;
  if (judgement.issue != Issue::kNone && issue_count_ < kMaxIssues) {
    issues_.at(issue_count_++) = {entry.number, entry.offset, judgement.issue};
  }
}

Bytes Findings::encode() const {
  Bytes out = to_bytes(kFindingsMagic);
  out.reserve(kEncodedSize);
  append(out, ByteView(boot_));
  append(out, ByteView(rules_));
  append_be64(out, entries_);
  append_u8(out, static_cast<std::uint8_t>(aggregate_));
  for (const std::uint64_t* count : all_counts(counts_)) append_be64(out, *count);
  append_u8(out, issue_count_);
  for (const IssueReference& issue : issues_) {
    append_be64(out, issue.number);
    append_be64(out, issue.offset);
    append_u8(out, static_cast<std::uint8_t>(issue.issue));
  }
  append(out, log_.encode());
  return out;
}

bool Findings::is_possible() const {
  std::uint64_t counted = aggregate_ == AggregateForm::kNone ? 0 : 1;
  for (const std::uint64_t* count : all_counts(counts_)) {
    if (*count > entries_) return false;
    counted += *count;
  }
  if (counted != entries_ || (entries_ == 0) != (log_.size() == 0)) return false;
  if (issue_count_ != std::min<std::uint64_t>(kMaxIssues, counts_.refused)) return false;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < kMaxIssues; ++i) {
    const IssueReference& issue = issues_.at(i);
    if (i >= issue_count_) {
      if (issue != IssueReference{}) return false;
      continue;
    }
    if (issue.issue == Issue::kNone || issue.number <= last || issue.number > entries_ ||
        issue.offset >= log_.size()) {
      return false;
    }
    last = issue.number;
  }
  return true;
}

Result<Findings> Findings::decode(ByteView encoded) {
  const std::string what = "runtime log findings: ";
  if (encoded.size() != kEncodedSize) {
    return rejected(what + std::to_string(encoded.size()) + " bytes, expected " +
                    std::to_string(kEncodedSize));
  }
  ByteReader reader(encoded);
  Findings out;
  AVOUCH_TRY(const ByteView magic, reader.take(kFindingsMagic.size(), "magic"));
  if (as_text(magic) != kFindingsMagic) return rejected(what + "not those of this version");
  AVOUCH_CHECK(read_into(reader, out.boot_));
  AVOUCH_CHECK(read_into(reader, out.rules_));
  AVOUCH_TRY(out.entries_, reader.be64("entries"));
  AVOUCH_TRY(const std::uint8_t form, reader.u8("form of boot_aggregate"));
  if (form > static_cast<std::uint8_t>(AggregateForm::kZero)) {
    return rejected(what + "boot_aggregate of form " + std::to_string(form));
  }
  out.aggregate_ = static_cast<AggregateForm>(form);
  for (std::uint64_t* count : all_counts(out.counts_)) {
    AVOUCH_TRY(*count, reader.be64("count"));
  }
  AVOUCH_TRY(out.issue_count_, reader.u8("number of issues"));
  for (IssueReference& issue : out.issues_) {
    AVOUCH_TRY(issue.number, reader.be64("number of an entry"));
    AVOUCH_TRY(issue.offset, reader.be64("offset of an entry"));
    AVOUCH_TRY(const std::uint8_t kind, reader.u8("kind of an issue"));
    if (kind > kLastIssue) return rejected(what + "issue of kind " + std::to_string(kind));
    issue.issue = static_cast<Issue>(kind);
  }
  AVOUCH_TRY(const ByteView log, reader.take(crypto::ResumableSha256::kEncodedSize, "log digest"));
  AVOUCH_TRY(out.log_, crypto::ResumableSha256::decode(log));
  if (!out.is_possible()) return rejected(what + "numbers that do not fit one another");
  return out;
}

}  // namespace avouch::runtimelog
