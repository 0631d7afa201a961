// kubectl avouch reference upload.

#include <iostream>
#include <thread>

#include "attest/policy.h"
#include "cli/account_token.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "inspect/list_upload.h"
#include "reference/digest_list.h"

namespace avouch::cli {
Result<Exit> upload_list(const Context& context, const UploadOptions& options) {
  const reference::DigestListLimits limits;
  AVOUCH_TRY(const Bytes bytes, read_input(options.file, limits.bytes));
  // What the controller could not read is not sent.
  const auto list = reference::read_digest_list(bytes, limits);
  if (!list.has_value()) return with_context(list.error(), options.file);
  const std::string digest = attest::digest_text(list->content);
  context.progress("asking for a token of " + options.account);
  AVOUCH_TRY(const std::string token,
             token_of_account(kube::Client(context.transport), options.account));
  context.progress("sending " + std::to_string(bytes.size()) + " bytes");
  AVOUCH_TRY(const inspect::Uploaded uploaded,
             inspect::upload_list(context.transport, context.common.release, token, bytes,
                                  [] { std::this_thread::sleep_for(std::chrono::seconds(1)); }));
  const bool sent = uploaded == inspect::Uploaded::kSent;
  if (context.common.format == Format::kJson) {
    const codec::Json out{
        codec::Json::Object{{"digest", digest},
                            {"digests", static_cast<std::int64_t>(list->set->size())},
                            {"sent", sent}}};
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << digest << "  " << list->set->size() << " digests, "
              << (sent ? "sent" : "was there already") << '\n'
              << "Name it in a ReferenceManifest: spec.ima.source.blob: " << digest << '\n';
  }
  return Exit::kGood;
}

}  // namespace avouch::cli
