#include "cli/examples.h"

#include <CLI/CLI.hpp>
#include <array>
#include <string_view>

namespace avouch::cli {
namespace {

struct Example {
  std::string_view command;  // its words
  std::string_view first;    // what follows them
  std::string_view second = kNone;

  static constexpr std::string_view kNone = "none";
};

constexpr std::array kExamples{
    Example{"status", "-o json"},
    Example{"explain", "node worker-2", "pod web-0 -n shop"},
    Example{"explain node", "worker-2", "worker-2 --log"},
    Example{"explain pod", "web-0 -n shop"},
    Example{"verify", "node worker-2", "pod web-0 -n shop"},
    Example{"verify node", "worker-2 --trusted", "worker-2 --re-appraise"},
    Example{"verify pod", "web-0 -n shop", "web-0 -n shop --trusted --re-appraise"},
    Example{"verify log", "--save last.txt", "--since last.txt --save last.txt"},
    Example{"verify proof", "4182.tlog-proof --vkey log.vkey",
            "4182.in-toto.json --vkey log.vkey --signer-keys auditor-pub.pem"},
    Example{"verify misbehaviour", "fork.misbehaviour --vkey log.vkey"},
    Example{"log", "--node worker-2", "--before 4100 --limit 100"},
    Example{"log show", "4182 -o json", "4182 --refs"},
    Example{"log fsck", "", "--directory backup --vkey log.vkey"},
    Example{"log copy", "--from files:log --to postgres:connection --vkey log.vkey"},
    Example{"log register", "statement.cose -f with-receipt.cose --service-account build/provider"},
    Example{"log endorse",
            "4182 --service-account audit/auditor --text \"re-appraised, it agrees\""},
    Example{"log dispute",
            "4190 --service-account audit/auditor --text \"this kernel is not ours\""},
    Example{"log measure",
            "4190 --service-account audit/auditor --value \"pcr "
            "8=sha256:f76ea6410519329741de6c34e0b294755dea7b3df4fb1aac979966bacc546153\""},
    Example{"log supersede", "4201 --replacement 4205 --service-account audit/auditor"},
    Example{"log erase",
            "4182 --service-account privacy/officer --reason \"case 17: asked for by its owner\""},
    Example{"export", "4182 -f 4182.tlog-proof --preimage 4182.preimage",
            "4182 --format in-toto --key auditor.pem -f 4182.in-toto.json"},
    Example{"appraise", "--policy policy.yaml --references refs --trust-bundle ca.pem case"},
    Example{"eventlog", "binary_bios_measurements --pcrs pcrs.txt",
            "binary_runtime_measurements -o json"},
    Example{"reference", "from-debs *.deb --name debian-12-files --split",
            "sign manifests.yaml --key provider.pem -o signed.yaml"},
    Example{"reference from-evidence", "--name golden --node worker-1 -o golden.yaml",
            "--name golden case -o golden.yaml"},
    Example{"reference from-rootfs",
            "image-root --name image-files --list image-files.list -o image.yaml"},
    Example{"reference from-debs", "*.deb --name debian-12-files --split -o debian.yaml"},
    Example{"reference import",
            "shim.corim --name shim --digests authenticode --key provider-pub.pem",
            "rim.swidtag --name firmware --ca makers.pem"},
    Example{"reference sign", "manifests.yaml --key provider.pem -o signed.yaml"},
    Example{"reference verify", "signed.yaml --key provider-pub.pem"},
    Example{"reference diff", "old.yaml new.yaml"},
    Example{"reference upload", "files.list --service-account avouch-system/provider"},
    Example{"version", "", "--client"},
};

CLI::App* command_named(const CLI::App& app, std::string_view words) {
  CLI::App* found = nullptr;
  for (;;) {
    const std::size_t end = words.find(' ');
    const std::string word(words.substr(0, end));
    found = (found == nullptr ? app : *found).get_subcommand(word);
    if (end == std::string_view::npos) return found;
    words.remove_prefix(end + 1);
  }
}

std::string example_line(std::string_view command, std::string_view rest) {
  return "\n  kubectl avouch " + std::string(command) + (rest.empty() ? "" : " ") +
         std::string(rest);
}

}  // namespace

void add_examples(const CLI::App& app, const std::string& inherited) {
  for (const Example& each : kExamples) {
    CLI::App* command = command_named(app, each.command);
    const std::string own = command->get_footer();
    std::string footer = "Examples:" + example_line(each.command, each.first);
    if (each.second != Example::kNone) footer += example_line(each.command, each.second);
    command->footer(footer + "\n\n" + (own == app.get_footer() ? inherited : own));
  }
}

}  // namespace avouch::cli
