#include "cli/reference.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "adapters/deb_files.h"
#include "adapters/digest_list_folder.h"
#include "adapters/golden_folder.h"
#include "adapters/system_clock.h"
#include "adapters/tree_files.h"
#include "base/listing.h"
#include "base/time_text.h"
#include "cli/manifest_output.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "config/objects.h"
#include "inspect/golden_node.h"
#include "provision/manifest_set.h"
#include "provision/yaml_text.h"
#include "reference/dsse.h"

namespace avouch::cli {
namespace {

using codec::Json;
using provision::Draft;

Result<std::vector<Json>> read_objects(const std::string& file) {
  AVOUCH_TRY(const std::string text, read_text(file, config::kMaxObjectsBytes));
  return config::parse_objects(text, file);
}

std::string done_text(const provision::FilesDone& done) {
  constexpr std::uint64_t kMegabyte = 1'000'000;
  return std::to_string(done.files) + " files, " +
         (done.bytes < kMegabyte ? std::to_string(done.bytes) + " bytes"
                                 : std::to_string(done.bytes / kMegabyte) + " MB");
}

// `add` reads one input into the sink.
template <typename Add>
Result<Exit> make_of_files(const MakeOptions& options, const Add& add) {
  AVOUCH_TRY(const auto to, options_of(options));
  auto algorithms = provision::parse_algorithms(options.hash);
  if (!algorithms.has_value()) return with_context(algorithms.error(), "--hash");
  Progress progress;
  std::string now;
  const auto tell = [&](const provision::FilesDone& done) {
    progress.step("hashing " + now + ": " + done_text(done) + " so far");
  };
  const bool is_inline = to.place == provision::ListPlace::kInline;
  provision::FileDigester digester(
      *std::move(algorithms), tell,
      is_inline ? std::optional(provision::kMaxInlineDigests) : std::nullopt);
  std::vector<std::string> remarks;
  for (const std::string& input : options.inputs) {
    now = input;
    progress.step("reading " + input);
    AVOUCH_CHECK(add(input, digester, remarks));
  }
  if (digester.done().files == 0) {
    return rejected(list_of_some(options.inputs, 8) +
                    ": no regular file in there, so there is nothing to refer to");
  }
  Draft draft;
  draft.files = digester.take();
  draft.remarks = std::move(remarks);
  draft.remarks.push_back(done_text(digester.done()) + " of " +
                          std::to_string(options.inputs.size()) +
                          (options.inputs.size() == 1 ? " input" : " inputs"));
  return finish(std::move(draft), to, options);
}

struct Lists {
  std::unique_ptr<adapters::DigestListFolder> folder;
  std::unique_ptr<reference::SharedDigestLists> lists;
};
Lists lists_of(const std::string& folder) {
  Lists out;
  if (folder.empty()) return out;
  out.folder = std::make_unique<adapters::DigestListFolder>(folder);
  out.lists = std::make_unique<reference::SharedDigestLists>(*out.folder);
  return out;
}

Result<std::vector<reference::ManifestWithList>> read_set(const std::string& file,
                                                          reference::SharedDigestLists* lists) {
  AVOUCH_TRY(const std::vector<Json> objects, read_objects(file));
  auto set = provision::read_manifests(objects, lists);
  if (!set.has_value()) return with_context(set.error(), file);
  return set;
}

Result<std::vector<crypto::Certificate>> signers_of(const MakeOptions& options) {
  std::vector<crypto::Certificate> signers;
  for (const std::string& file : options.signers) {
    AVOUCH_TRY(const std::string pem, read_text(file, kMaxPemBytes));
    auto some = crypto::Certificate::list_from_pem(pem);
    if (!some.has_value()) return with_context(some.error(), file);
    signers.insert(signers.end(), some->begin(), some->end());
  }
  return signers;
}

}  // namespace

Result<Exit> reference_from_node(const Context& context, const MakeOptions& options) {
  AVOUCH_TRY(const auto to, options_of(options));
  AVOUCH_TRY(const auto signers, signers_of(options));
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the evidence of node " + options.node);
  const std::string what = "evidence of node \"" + options.node + "\"";
  auto node = inspect::read_golden_node(session.api, session.log, session.trust, options.node);
  if (!node.has_value()) return with_context(node.error(), what);
  auto draft = provision::draft_from_case(node->evidence, signers, context.clock.now());
  if (!draft.has_value()) return with_context(draft.error(), what);
  draft->remarks.insert(draft->remarks.begin(), "Of node " + options.node + ", whose verdict was " +
                                                    node->verdict +
                                                    ". That the node is good is your word.");
  return finish(*std::move(draft), to, options);
}

Result<Exit> reference_from_evidence(const MakeOptions& options) {
  AVOUCH_TRY(const auto to, options_of(options));
  AVOUCH_TRY(const auto signers, signers_of(options));
  adapters::SystemClock clock;
  Progress progress;
  progress.step("reading " + options.inputs.front());
  AVOUCH_TRY(Draft draft, adapters::draft_from_path(options.inputs.front(), signers, clock.now()));
  return finish(std::move(draft), to, options);
}

Result<Exit> reference_from_rootfs(const MakeOptions& options) {
  return make_of_files(options,
                       [](const std::string& input, provision::FileSink& sink,
                          std::vector<std::string>& remarks) -> Result<void> {
                         adapters::TreeFiles tree(input);
                         AVOUCH_CHECK(tree.read(sink));
                         for (const std::string& path : tree.skipped()) {
                           remarks.push_back("Not entered, as it is another file system: " +
                                             provision::printable_path(path) + " of " +
                                             provision::printable_path(input));
                         }
                         return {};
                       });
}

Result<Exit> reference_from_debs(const MakeOptions& options) {
  return make_of_files(options,
                       [](const std::string& input, provision::FileSink& sink,
                          std::vector<std::string>&) -> Result<void> {
                         return adapters::DebFiles(input).read(sink);
                       });
}

Result<Exit> reference_sign(const SignOptions& options) {
  std::error_code unknown;
  const bool is_itself = std::filesystem::equivalent(options.output, options.file, unknown);
  const IfThere if_there = is_itself ? IfThere::kReplace : options.if_there;
  AVOUCH_CHECK(check_output(options.output, if_there));
  AVOUCH_TRY(const std::string pem, read_text(options.key_file, kMaxPemBytes));
  const auto key = crypto::PrivateKey::from_pem(pem);
  if (!key.has_value()) return with_context(key.error(), options.key_file);
  AVOUCH_TRY(const std::string text, read_text(options.file, config::kMaxObjectsBytes));
  AVOUCH_TRY(std::vector<Json> objects, config::parse_objects(text, options.file));
  const auto done = provision::sign_manifests(std::move(objects), *key);
  if (!done.has_value()) return with_context(done.error(), options.file);
  // What a person wrote on top of it stays there.
  std::vector<std::string> remarks;
  for (std::size_t at = 0; at < text.size() && text[at] == '#';) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at + 1, end - at - 1);
    if (line.starts_with(' ')) line.erase(0, 1);
    remarks.push_back(std::move(line));
    at = end + 1;
  }
  AVOUCH_CHECK(put(options.output, provision::to_yaml(*done, remarks), if_there));
  return Exit::kGood;
}

Result<Exit> reference_verify(const CheckOptions& options) {
  std::map<std::string, std::string> pems;
  for (const std::string& file : options.key_files) {
    AVOUCH_TRY(pems[file], read_text(file, kMaxPemBytes));
  }
  AVOUCH_TRY(const auto keys, reference::parse_reference_keys(pems));
  AVOUCH_TRY(const auto at, read_time("--at", options.at));
  const Lists lists = lists_of(options.lists_folder);
  AVOUCH_TRY(const auto set, read_set(options.files.front(), lists.lists.get()));
  adapters::SystemClock clock;
  const auto check =
      provision::check_manifests(set, keys, at ? *at : clock.now(), lists.lists != nullptr);
  std::cout << check.text;
  return check.all_good ? Exit::kGood : Exit::kDoesNotHold;
}

Result<Exit> reference_diff(const CheckOptions& options) {
  const Lists lists = lists_of(options.lists_folder);
  AVOUCH_TRY(const auto a, read_set(options.files.at(0), lists.lists.get()));
  AVOUCH_TRY(const auto b, read_set(options.files.at(1), lists.lists.get()));
  const std::vector<std::string> lines = provision::diff_manifests(a, b);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  std::cout << text;
  return lines.empty() ? Exit::kGood : Exit::kDoesNotHold;
}

}  // namespace avouch::cli
