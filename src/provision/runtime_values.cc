#include "provision/runtime_values.h"

#include <set>
#include <string>

#include "base/hex.h"
#include "crypto/hash.h"
#include "runtimelog/boot_aggregate.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/fields.h"
#include "runtimelog/file_signature.h"
#include "runtimelog/keyring.h"
#include "runtimelog/log_replay.h"

namespace avouch::provision {
namespace {

using runtimelog::Entry;

// The bytes that the quote proves.
Result<ByteView> proven_part(ByteView log, const attest::VerifiedQuote& quote, Draft& out) {
  auto replay = runtimelog::LogReplay::begin({}, runtimelog::boot_identity(quote), quote.pcrs());
  if (!replay.has_value()) return rejected(replay.reason().code + ": " + replay.reason().message);
  if (const auto fed = replay->feed(log); !fed.has_value()) {
    return rejected(fed.reason().code + ": " + fed.reason().message);
  }
  const auto replayed = replay->finish();
  if (!replayed.has_value()) {
    return rejected(replayed.reason().code + ": " + replayed.reason().message);
  }
  if (!replayed->met) return rejected(replayed->reason->code + ": " + replayed->reason->message);
  if (replayed->unproven_entries > 0) {
    out.remarks.push_back(std::to_string(replayed->unproven_entries) +
                          " entries of the runtime log are newer than the quote: left out");
  }
  return log.first(static_cast<std::size_t>(replayed->state.offset()));
}

class RuntimeValues {
 public:
  RuntimeValues(const runtimelog::Keyring& keys, Draft& out) : keys_(keys), out_(out) {}

  Result<void> take(const Entry& entry) {
    const std::string where =
        "runtime log, " + runtimelog::entry_place(entry.number, entry.offset) + ": ";
    // A violation says nothing of the file's content, and its digest is no template's.
    if (entry.is_violation()) {
      ++violations_;
      return {};
    }
    const auto fields = runtimelog::read_fields(entry);
    if (!fields.has_value()) return rejected(where + fields.error().message);
    if (!entry.is_legacy() &&
        !equal(crypto::hash(crypto::HashAlgorithm::kSha1, entry.data), entry.template_digest)) {
      return rejected(where + "the template digest is not that of the entry's data");
    }
    if (fields->path == runtimelog::kAggregateName) return {};
    if (fields->of == runtimelog::DigestOf::kVerity) {
      ++verity_;
      return {};
    }
    if (!fields->known || *fields->known == crypto::HashAlgorithm::kSha1) {
      ++weak_;
      return {};
    }
    if (!fields->signature.empty() && is_signed(*fields)) return {};
    AVOUCH_TRY(const auto digest, reference::make_digest(*fields->known, fields->digest));
    return out_.files.add(digest, fields->path);
  }

  void finish() {
    note(violations_, "violations (a file changed while it was measured): left out");
    note(weak_,
         "files were measured by SHA-1, or a hash that is not known: left out; boot with "
         "ima_hash=sha256");
    note(verity_, "files were measured by fs-verity digest: left out");
    note(signed_, "files have a good signature by one of the signers: left out, the key is enough");
    for (const std::uint32_t id : unknown_keys_) {
      Bytes bytes;
      append_be32(bytes, id);
      out_.remarks.push_back("Some files are signed by the key " + to_hex(bytes) +
                             ": give its certificate by --signer to accept its signatures instead");
    }
  }

 private:
  static constexpr std::size_t kMaxNotedKeys = 16;

  bool is_signed(const runtimelog::Fields& fields) {
    const auto verdict = runtimelog::verify_file_signature(fields, keys_);
    if (verdict.fault == runtimelog::SignatureFault::kNone) {
      ++signed_;
      return true;
    }
    if (verdict.fault == runtimelog::SignatureFault::kKeyUnknown &&
        unknown_keys_.size() < kMaxNotedKeys) {
      const auto signature = runtimelog::parse_file_signature(fields.signature);
      if (signature.has_value()) unknown_keys_.insert(signature->key_id);
    }
    return false;
  }

  void note(std::uint64_t count, std::string_view what) {
    if (count > 0) out_.remarks.push_back(std::to_string(count) + " " + std::string(what));
  }

  const runtimelog::Keyring& keys_;
  Draft& out_;
  std::uint64_t violations_ = 0, weak_ = 0, verity_ = 0, signed_ = 0;
  std::set<std::uint32_t> unknown_keys_;
};

}  // namespace

Result<void> add_runtime_values(ByteView log, const attest::VerifiedQuote* quote,
                                std::span<const crypto::Certificate> signers, Draft& out) {
  runtimelog::Keyring keys;
  for (const crypto::Certificate& each : signers) {
    if (const auto added = keys.add(each); !added.has_value()) {
      return rejected("signer \"" + each.subject() + "\": " + added.error().message);
    }
  }
  if (quote != nullptr) {
    AVOUCH_TRY(log, proven_part(log, *quote, out));
  }
  RuntimeValues values(keys, out);
  runtimelog::EntryReader reader(0, 0);
  AVOUCH_CHECK(reader.feed(log, [&](const Entry& entry) { return values.take(entry); }));
  AVOUCH_CHECK(reader.finish());
  values.finish();
  return {};
}

}  // namespace avouch::provision
