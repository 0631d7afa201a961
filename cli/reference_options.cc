// The command line of kubectl avouch reference.

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/reference.h"

namespace avouch::cli {
namespace {

using Run = std::function<Result<Exit>()>;
using RunInCluster = std::function<Result<Exit>(const Context&)>;

constexpr const char* kStatus =
    "Exit status: 0 done, and what was checked holds; 1 it does not (diff: they differ); 2 the "
    "command line or an input cannot be used, or the output cannot be written";
constexpr const char* kStatusOfNode =
    "\nWith --node: 2 the command line is wrong; 3 no answer, try again; 4 an input, an option's "
    "value or the output cannot be used, there is no such node or verdict, no permission, or no "
    "usable kubeconfig or login";

template <typename Options>
CLI::App* add(CLI::App* parent, Run& run, const char* name, const char* what,
              Result<Exit> (*command)(const Options&), const std::shared_ptr<Options>& options) {
  CLI::App* sub = parent->add_subcommand(name, what);
  sub->footer(kStatus);
  sub->final_callback([&run, command, options] { run = [=] { return command(*options); }; });
  return sub;
}

CLI::App* add_making(CLI::App* parent, Run& run, const char* name, const char* what,
                     Result<Exit> (*command)(const MakeOptions&),
                     const std::shared_ptr<MakeOptions>& to) {
  CLI::App* sub = add(parent, run, name, what, command, to);
  sub->add_option("-o,--output", to->output, "File for the manifest; default: standard output");
  sub->add_option("--name", to->name, "Name of the ReferenceManifest")->required();
  sub->add_option("--provider", to->provider, "Who gives these values, for people");
  sub->add_option("--not-before", to->not_before, "The manifest counts from then on (RFC 3339)");
  sub->add_option("--not-after", to->not_after, "The manifest counts until then (RFC 3339)");
  sub->add_flag_callback(
      "--force", [to] { to->if_there = IfThere::kReplace; }, kForceHelp);
  CLI::Option* list = sub->add_option(
      "--list", to->list_file,
      "Put the digests of files into this digest list, which the manifest names by its digest");
  CLI::Option* maps = sub->add_option("--config-map", to->list_namespace,
                                      "Put them into ConfigMaps of this namespace");
  CLI::Option* split =
      sub->add_flag("--split", to->split, "Make as many manifests as it takes to hold them");
  list->excludes(maps)->excludes(split);
  maps->excludes(split);
  return sub;
}

void add_hash(CLI::App* sub, MakeOptions& to) {
  sub->add_option("--hash", to.hash,
                  "Digests to make: sha256, sha384, sha512, or several with commas")
      ->capture_default_str();
}

}  // namespace

void add_reference(CLI::App& app, Run& run, RunInCluster& in_cluster) {
  CLI::App* reference = app.add_subcommand(
      "reference",
      "Makes, compares, signs and checks ReferenceManifests; asks no cluster but for upload and "
      "from-evidence --node");
  reference->require_subcommand(1);
  reference->footer("Each has an exit status of its own: see its --help");

  const auto golden = std::make_shared<MakeOptions>();
  CLI::App* evidence =
      add_making(reference, run, "from-evidence",
                 "Reference values out of the logs of a node that is known to be good",
                 &reference_from_evidence, golden);
  evidence
      ->add_option("--signer", golden->signers,
                   "PEM certificate of a key that signs files: its signatures are accepted, "
                   "and files with a good one are not listed; may be repeated")
      ->allow_extra_args(false);
  CLI::Option* node =
      evidence->add_option("--node", golden->node,
                           "Node of the cluster: what its present verdict was judged by. Needs the "
                           "release's log-reader role");
  evidence->footer(std::string(kStatus) + kStatusOfNode);
  evidence
      ->add_option("case", golden->inputs,
                   "Folder of a stored case, folder of the kernel's files, or one such file")
      ->expected(1)
      ->excludes(node);
  evidence->final_callback([&run, &in_cluster, golden] {
    if (!golden->node.empty()) {
      in_cluster = [=](const Context& context) { return reference_from_node(context, *golden); };
      return;
    }
    if (golden->inputs.empty()) throw CLI::RequiredError("case, or --node");
    run = [=] { return reference_from_evidence(*golden); };
  });

  const auto trees = std::make_shared<MakeOptions>();
  CLI::App* rootfs =
      add_making(reference, run, "from-rootfs", "Digests of all files of a root file system",
                 &reference_from_rootfs, trees);
  add_hash(rootfs, *trees);
  rootfs->add_option("folder", trees->inputs, "Folders, such as a mounted image")->required();

  const auto packages = std::make_shared<MakeOptions>();
  CLI::App* debs = add_making(reference, run, "from-debs", "Digests of all files of .deb packages",
                              &reference_from_debs, packages);
  add_hash(debs, *packages);
  debs->add_option("file", packages->inputs, "Packages (.deb)")->required();

  const auto importing = std::make_shared<ImportOptions>();
  CLI::App* importer = add_making(reference, run, "import",
                                  "Reference values out of a CoRIM (CBOR) or a TCG PC Client RIM "
                                  "(SWID tag and event log)",
                                  nullptr, {importing, &importing->to});
  importer
      ->add_option("--digests", importing->digests,
                   "What a CoRIM's digests are of: authenticode (programs that firmware starts), "
                   "file (files that boot loaders measure) or ima (files that IMA measures)")
      ->check(CLI::IsMember({"authenticode", "file", "ima"}));
  importer->add_option("--profile", importing->profile,
                       "A CoRIM's profile (URI) that leaves digests in reference triples as they "
                       "are; CoRIMs of any other are refused");
  CLI::Option* key =
      importer->add_option("--key", importing->key_file,
                           "File with the public key, or its certificate, in PEM that must have "
                           "signed it");
  CLI::Option* ca =
      importer->add_option("--ca", importing->ca_file,
                           "File with certificates in PEM of authorities, one of which must vouch "
                           "for the certificate in a PC Client RIM's signature");
  importer->add_option("--at", importing->at,
                       "With --ca: when certificates must be valid (RFC 3339); default: now");
  importer->add_option("--support", importing->support_folder,
                       "Folder of a PC Client RIM's event logs; default: that of the tag");
  importer
      ->add_flag("--unverified", importing->unverified,
                 "Believe it as it is, unsigned or whoever signed it")
      ->excludes(key)
      ->excludes(ca);
  key->excludes(ca);
  importer->add_option("file", importing->to.inputs, "CoRIM, or SWID tag")->required()->expected(1);
  importer->final_callback(
      [&run, importing] { run = [=] { return reference_import(*importing); }; });

  const auto signing = std::make_shared<SignOptions>();
  CLI::App* sign = add(reference, run, "sign", "Signs every ReferenceManifest of a file (DSSE)",
                       &reference_sign, signing);
  sign->add_option(
          "--key", signing->key_file,
          "File with your private key: PKCS#8 in PEM, not encrypted; a new one: openssl genpkey "
          "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out provider.pem")
      ->required();
  sign->add_option("-o,--output", signing->output,
                   "File for the signed manifests, may be FILE itself; default: standard output");
  sign->add_flag_callback(
      "--force", [signing] { signing->if_there = IfThere::kReplace; }, kForceHelp);
  sign->add_option("file", signing->file, "Manifests, in YAML or JSON")->required();

  const auto checking = std::make_shared<CheckOptions>();
  CLI::App* verify =
      add(reference, run, "verify", "Checks that every ReferenceManifest of a file is signed",
          &reference_verify, checking);
  verify
      ->add_option(
          "--key", checking->key_files,
          "File with public keys in PEM, one of which must have signed; may be repeated. Of "
          "your own key: openssl pkey -in provider.pem -pubout -out provider-pub.pem; of "
          "others: the ConfigMaps that the policy names in referenceKeys")
      ->required()
      ->allow_extra_args(false);
  verify->add_option("--lists", checking->lists_folder,
                     "Folder of digest lists: those that the manifests name must be there");
  verify->add_option("--at", checking->at, "Time for notBefore and notAfter; default: now");
  verify->add_option("file", checking->files, "Manifests, in YAML or JSON")
      ->required()
      ->expected(1);

  const auto comparing = std::make_shared<CheckOptions>();
  CLI::App* diff = add(reference, run, "diff", "What B says that A does not, and the other way",
                       &reference_diff, comparing);
  diff->add_option("--lists", comparing->lists_folder, "Folder of digest lists that they name");
  diff->add_option("file", comparing->files, "A and B: manifests, in YAML or JSON")
      ->required()
      ->expected(2);
}

}  // namespace avouch::cli
