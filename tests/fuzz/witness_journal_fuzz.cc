// A witness' state on disk. Besides not crashing: what is read is written back as what was read,
// and what follows the last whole batch is cut, never skipped.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "tlog/witness_journal.h"

namespace avouch::fuzzing::witness_journal_target {
namespace {

using namespace avouch;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

AVOUCH_FUZZ_TARGET("witness_journal_fuzz") {
  const ByteView file(data, size);
  const auto read = tlog::parse_witness_journal(file);
  if (!read.has_value()) {
    require(read.error().kind == ErrorKind::kFatal);
    return 0;
  }
  require(read->end + read->torn == size);
  const auto again = tlog::parse_witness_journal(file.first(read->end));
  require(again.has_value() && again->torn == 0 && again->latest == read->latest);
  if (read->latest.empty()) return 0;
  std::vector<tlog::WitnessChange> changes;
  for (const auto& [origin, note] : read->latest) changes.push_back({origin, note});
  const ByteView header = file.first(tlog::kWitnessHeaderBytes);
  Bytes fresh(header.begin(), header.end());
  const auto batch = tlog::format_witness_batch(header, fresh.size(), changes);
  if (!batch.has_value()) return 0;  // more than one batch takes
  append(fresh, *batch);
  require(tlog::parse_witness_journal(fresh)->latest == read->latest);
  return 0;
}

}  // namespace avouch::fuzzing::witness_journal_target
