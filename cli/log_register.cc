#include "cli/log_register.h"

#include <iostream>
#include <thread>

#include "cli/account_token.h"
#include "cli/session.h"
#include "inspect/proof_file.h"
#include "inspect/statement_upload.h"
#include "tlog/bundle.h"
#include "tlog/receipt.h"
#include "tlog/signed_statement.h"

namespace avouch::cli {

Result<Exit> log_register(const Context& context, const LogRegisterOptions& options) {
  AVOUCH_TRY(const Bytes bytes, read_input(options.statement, tlog::kMaxEntryBytes));
  // What the controller could not read is not sent.
  const auto statement = tlog::parse_signed_statement_unverified(bytes);
  if (!statement.has_value()) return with_context(statement.error(), options.statement);
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("asking for a token of " + options.account);
  AVOUCH_TRY(const std::string token, token_of_account(session.api, options.account));
  context.progress("waiting for the entry to be published");
  AVOUCH_TRY(
      const inspect::Registered registered,
      inspect::register_statement(context.transport, context.common.release, token, bytes,
                                  [] { std::this_thread::sleep_for(std::chrono::seconds(1)); }));
  const auto receipt = tlog::parse_receipt_unverified(registered.receipt);
  const auto file = tlog::format_transparent_statement({statement->entry, {registered.receipt}});
  if (!receipt.has_value() || !file.has_value()) {
    return disproved(context, session, "the answer is a receipt for the statement",
                     receipt.has_value() ? file.error() : receipt.error());
  }
  const inspect::ProofStep checked = inspect::check_transparent_statement(
      *file, std::nullopt, session.trust.verifier_keys, session.trust.origin);
  if (!inspect::all_hold(checked)) return show_proof(checked, context.common.format);
  AVOUCH_CHECK(write_output(options.file, *file, options.if_there));
  const auto index = static_cast<std::int64_t>(receipt->inclusion.index);
  if (context.common.format == Format::kJson) {
    codec::Json out;
    out["origin"] = session.trust.origin;
    out["index"] = index;
    out["issuer"] = statement->issuer;
    out["kind"] = statement->content_type;
    out["policyEntry"] = registered.policy_entry;
    out["file"] = options.file;
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << "entry " << index << " of log " << inspect::printable(session.trust.origin)
              << ", by the policy of entry " << inspect::printable(registered.policy_entry)
              << "\nthe statement with its receipt is in " << inspect::printable(options.file)
              << '\n';
  }
  return Exit::kGood;
}

}  // namespace avouch::cli
