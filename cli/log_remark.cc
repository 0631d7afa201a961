#include "cli/log_remark.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <thread>
#include <utility>

#include "base/hex.h"
#include "cli/account_token.h"
#include "cli/files.h"
#include "cli/session.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "inspect/remark_upload.h"
#include "inspect/verify.h"
#include "tlog/client.h"
#include "tlog/log_proof.h"
#include "tlog/signed_statement.h"

namespace avouch::cli {
namespace {

constexpr std::size_t kMaxMaterialFile = 64UL * 1024 * 1024;
constexpr std::size_t kIdBytes = 16;

// What is before and behind that place; all of it, and nothing, where there is none.
std::pair<std::string, std::string> split_at(const std::string& text, std::size_t at) {
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + 1)};
}

Result<tlog::Remark::Value> parse_value(const std::string& text) {
  const auto [name, digest] = split_at(text, text.rfind('='));
  const auto [algorithm, hex] = split_at(digest, digest.find(':'));
  auto bytes = from_hex(hex);
  if (name.empty() || !bytes.has_value() || bytes->empty()) {
    return rejected("expected NAME=ALGORITHM:HEX, such as \"pcr 8=sha256:9f3c...\"");
  }
  return tlog::Remark::Value{name, algorithm, *std::move(bytes)};
}

Result<std::vector<tlog::Remark::Material>> read_material(const std::vector<std::string>& items) {
  std::vector<tlog::Remark::Material> out;
  for (const std::string& item : items) {
    const auto [type, file] = split_at(item, item.find(':'));
    AVOUCH_TRY(const Bytes bytes, read_input(file, kMaxMaterialFile));
    out.push_back({type, crypto::sha256(bytes)});
  }
  return out;
}

// To the entry that is in the file. Whose keys count the log's operator says.
Result<tlog::EntryReference> read_reference(const std::string& file) {
  AVOUCH_TRY(const Bytes bytes, read_input(file, kMaxProofFile));
  const auto parsed = [&]() -> Result<tlog::EntryReference> {
    AVOUCH_TRY(tlog::LogProof proof, tlog::parse_log_proof(as_text(bytes)));
    if (!proof.extra) {
      return rejected("does not hold the entry; expected a file of kubectl avouch export");
    }
    AVOUCH_TRY(const tlog::UnverifiedNote note, tlog::parse_note_unverified(proof.note));
    AVOUCH_TRY(const tlog::Checkpoint checkpoint, tlog::parse_checkpoint_unverified(note.text));
    const tlog::Hash leaf = tlog::leaf_hash(*proof.extra);
    proof.extra.reset();
    return tlog::EntryReference{checkpoint.origin, proof.index, leaf,
                                tlog::format_log_proof(proof)};
  }();
  return parsed.has_value() ? parsed : with_context(parsed.error(), file);
}

std::string user_of(const std::string& account) {
  const auto [ns, name] = split_at(account, account.find('/'));
  return "system:serviceaccount:" + ns + ":" + name;
}

void print_recorded(const Context& context, const Session& session, const tlog::Remark& remark,
                    const std::string& by, std::uint64_t index) {
  const std::string kind(tlog::remark_name(remark.kind));
  if (context.common.format == Format::kJson) {
    codec::Json out;
    out["origin"] = session.trust.origin;
    out["index"] = static_cast<std::int64_t>(index);
    out["kind"] = kind;
    out["by"] = by;
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << "entry " << index << " of log " << inspect::printable(session.trust.origin) << ": "
              << kind << " by " << inspect::printable(by) << '\n';
  }
}

}  // namespace

std::string material_problem(const std::string& text) {
  const auto [type, file] = split_at(text, text.find(':'));
  return tlog::is_media_type(type) && !file.empty()
             ? ""
             : "expected TYPE:FILE, such as application/pdf:report.pdf";
}

std::string value_problem(const std::string& text) {
  const auto value = parse_value(text);
  return value.has_value() ? "" : value.error().message;
}

Result<Exit> log_remark(const Context& context, const LogRemarkOptions& options) {
  tlog::Remark remark;
  remark.kind = options.kind;
  remark.text = options.text;
  AVOUCH_TRY(remark.material, read_material(options.material));
  for (const std::string& each : options.values) {
    AVOUCH_TRY(tlog::Remark::Value value, parse_value(each));
    remark.values.push_back(std::move(value));
  }
  std::vector<tlog::EntryReference> foreign;
  for (const std::string& file : options.proofs) {
    AVOUCH_TRY(tlog::EntryReference reference, read_reference(file));
    foreign.push_back(std::move(reference));
  }
  if (options.entries.empty() && foreign.empty()) {
    return rejected(
        "what is it about? Give indexes of this log's entries, or --proof with a file of another "
        "log's entry");
  }
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the log's checkpoint");
  const auto checkpoint = newest_checkpoint(session);
  if (!checkpoint.has_value()) return disproved(context, session, kSigned, checkpoint.error());
  std::vector<std::uint64_t> own = options.entries;
  if (options.replacement) own.push_back(*options.replacement);
  for (const std::uint64_t index : own) {
    if (index >= checkpoint->size()) return inspect::no_entry(index, checkpoint->size());
    context.progress("proving entry " + std::to_string(index));
    const auto included = tlog::fetch_entry(session.log, *checkpoint, index);
    if (!included.has_value()) {
      return disproved(context, session, "leaf hash leads to the checkpoint's root",
                       included.error());
    }
    remark.refs.push_back({session.trust.origin, index, included->leaf, ""});
  }
  if (options.replacement) {
    remark.replacement = std::move(remark.refs.back());
    remark.refs.pop_back();
  }
  std::move(foreign.begin(), foreign.end(), std::back_inserter(remark.refs));
  // What the controller could not read is not sent.
  AVOUCH_CHECK(tlog::check_remark(remark, session.trust.origin, tlog::ProofSize::kAsSent));

  context.progress("asking for a token of " + options.account);
  AVOUCH_TRY(const std::string token, token_of_account(session.api, options.account));
  context.progress("waiting for the entry to be published");
  const std::string id = to_hex(crypto::random_bytes(crypto::system_random(), kIdBytes));
  AVOUCH_TRY(const inspect::UnverifiedRecorded recorded,
             inspect::send_remark(context.transport, context.common.release, token, {id, remark},
                                  [] { std::this_thread::sleep_for(std::chrono::seconds(1)); }));
  const std::string by = user_of(options.account);
  const inspect::ProofStep checked = inspect::check_recorded(recorded, remark, by, session.trust);
  if (!inspect::all_hold(checked)) return show_proof(checked, context.common.format);
  print_recorded(context, session, remark, by, recorded.index);
  return Exit::kGood;
}

}  // namespace avouch::cli
