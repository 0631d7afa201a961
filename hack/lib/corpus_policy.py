#!/usr/bin/env python3
"""Turns a corpus' policy (policy/NAME.json, see its DATA.md) into our kinds.

usage: corpus_policy.py CORPUS POLICY_JSON OUT_FOLDER

Writes OUT_FOLDER/policy.json (an AttestationPolicy), OUT_FOLDER/bundle.pem and OUT_FOLDER/references/
(ReferenceManifests and ConfigMaps). Members that it does not know are an error: a rule that is passed
over would be a rule that nobody checks.
"""

import json
import pathlib
import re
import sys

KEYS = ["ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsassa-2048-sha256", "rsassa-3072-sha256",
        "rsassa-3072-sha384", "rsapss-2048-sha256", "rsapss-3072-sha256", "rsapss-3072-sha384"]
KNOWN = {"name", "requireSecureBoot", "ekTrustAnchors", "ekIntermediates", "referenceCase", "referencePcrs",
         "kernelCmdline", "requireQuotedPcrs", "ima"}
KNOWN_IMA = {"requireReplay", "allowlist", "denyViolations"}


def fail(text):
    sys.exit(f"corpus_policy: {text}")


def exact_pcrs(banks):
    """referencePcrs: {bank: {index: digest or list}} as pcrs.exact."""
    by_index = {}
    for bank, values in banks.items():
        for index, digests in values.items():
            digests = digests if isinstance(digests, list) else [digests]
            by_index.setdefault(int(index), {"index": int(index)})[bank] = digests
    return [by_index[index] for index in sorted(by_index)]


def whole_lines(lines):
    """One expression that any of the lines, and nothing else, satisfies. GRUB puts BOOT_IMAGE= before what it was told."""
    escaped = [re.sub(r"([^A-Za-z0-9_/ =,:-])", r"\\\1", line.removeprefix("BOOT_IMAGE=")) for line in lines]
    return "(BOOT_IMAGE=)?(" + "|".join(escaped) + ")"


def check_quoted(banks):
    """Our policies demand PCR 0 to 9 and 14, and 10 where it is judged: without that it proves nothing."""
    for bank, indexes in banks.items():
        more = set(indexes) - set(range(11)) - {14}
        if more:
            fail(f"requireQuotedPcrs: {bank}: PCR {sorted(more)} cannot be demanded by our policies")


def runtime_of(ima, folder, references):
    unknown = set(ima) - KNOWN_IMA
    if unknown:
        fail(f"ima: unknown members {sorted(unknown)}")
    runtime = {"violations": "Deny" if ima.get("denyViolations", True) else "Record"}
    if not ima.get("allowlist"):
        runtime["files"] = "ReplayOnly"
        return runtime
    lines = (folder / ima["allowlist"]).read_text().splitlines()
    name = pathlib.Path(ima["allowlist"]).name
    digests = "\n".join(line.split()[0] for line in lines if line.strip() and not line.startswith("#"))
    write(references / "files.json", {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "files", "namespace": "corpus"}, "data": {name: digests + "\n"}})
    write(references / "manifest.json", {
        "apiVersion": "avouch.dev/v1alpha1", "kind": "ReferenceManifest", "metadata": {"name": "files"},
        "spec": {"provider": "corpus",
                 "ima": {"source": {"configMap": {"namespace": "corpus", "name": "files"}}}}})
    runtime["references"] = [{"name": "files"}]
    return runtime


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def main():
    if len(sys.argv) != 4:
        fail("expected CORPUS POLICY_JSON OUT_FOLDER")
    source, out = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    policy = json.loads(source.read_text())
    unknown = set(policy) - KNOWN
    if unknown:
        fail(f"{source}: unknown members {sorted(unknown)}")
    references = out / "references"
    references.mkdir(parents=True)
    folder = source.parent

    pem = [(folder / name).read_text() for name in policy["ekTrustAnchors"] + policy.get("ekIntermediates", [])]
    (out / "bundle.pem").write_text("\n".join(pem))

    banks = [bank for bank in policy["requireQuotedPcrs"] if bank != "sha1"]
    spec = {
        "nodeSelector": {},
        "workloads": {},
        "endorsement": {"trustBundles": [{"configMap": {"namespace": "corpus", "name": "bundle"}}],
                        "enrollment": "TrustOnFirstUse"},
        "keys": KEYS,
        "pcrs": {"banks": banks, "exact": exact_pcrs(
            {bank: policy["referencePcrs"][bank] for bank in banks})},
        "bootLog": {"secureBoot": "Required" if policy.get("requireSecureBoot") else "Optional"},
    }
    check_quoted(policy["requireQuotedPcrs"])
    weak = set(policy["referencePcrs"]) - set(banks)
    if weak:
        fail(f"referencePcrs: values for {sorted(weak)}, which our policies do not judge by")
    if policy.get("kernelCmdline") == []:
        fail("kernelCmdline: allows no line; our policies say nothing of the line or what it must be")
    ima = policy.get("ima") or {}
    if ima.get("allowlist") and not ima.get("requireReplay"):
        fail("ima: an allowlist without requireReplay: our policies judge no file of a log that does not replay")
    if policy.get("kernelCmdline"):
        spec["bootLog"]["kernelCommandLine"] = {"required": [whole_lines(policy["kernelCmdline"])]}
    if policy.get("ima") and policy["ima"].get("requireReplay"):
        spec["runtime"] = runtime_of(policy["ima"], folder, references)
    write(out / "policy.json", {"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationPolicy",
                                "metadata": {"name": policy["name"]}, "spec": spec})


if __name__ == "__main__":
    main()
