#!/usr/bin/env python3
"""Appraises every case of a corpus offline and compares with what its meta.json expects.

usage: run_corpus.py KUBECTL_AVOUCH CORPUS

A case agrees where the verdict is the expected one and, of a refusal, some reason's code fits one of
expectedVerdict.failingChecks. Exit status: 0 all agree, 1 some differ, 2 the corpus cannot be used.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Which of our codes fit a failing check. A refusal for something else is a difference.
FITS = {
    "ak-attributes": ["IdentityMismatch"],
    "ak-binding": ["ActivationFailed", "IdentityMismatch", "QualifiedSignerMismatch"],
    "ak-name": ["IdentityMismatch"],
    "attest-magic": ["QuoteNotAQuote"],
    "attest-parse": ["QuoteMalformed"],
    "attest-type": ["QuoteNotAQuote"],
    "cmdline": ["KernelCommandLine"],
    "ek-binding": ["EndorsementInvalid"],
    "ek-chain": ["EndorsementInvalid"],
    "ek-eku": ["EndorsementInvalid"],
    "ek-parse": ["EndorsementInvalid"],
    "event-data-digest": ["BootEventDigest"],
    "event-type-order": ["BootEventUnexpected", "BootEventDigest", "SecureBootUnproven", "SecureBootDisabled"],
    "eventlog-missing": ["BootLogMissing"],
    "eventlog-parse": ["BootLogMalformed", "BootLogMissing", "BootLogBankMissing"],  # Missing: an empty file
    "eventlog-replay": ["BootLogReplayMismatch", "BootLogBankMissing"],
    "ima-allowlist": ["RuntimeFileUnknown"],
    "ima-parse": ["RuntimeLogMalformed"],
    # Missing: an empty file; Malformed: an entry of another PCR, which a kernel's log has not.
    "ima-replay": ["RuntimeLogNotReplayed", "RuntimeLogMissing", "RuntimeLogMalformed", "RuntimeLogTooLong"],
    "ima-template-digest": ["RuntimeTemplateDigest"],
    "ima-violation": ["RuntimeViolation"],
    "mok-sbstate": ["SecureBootDisabled", "SecureBootUnproven"],
    "nonce": ["ChallengeMismatch"],
    "pcr-policy": ["PcrMismatch"],
    "pcr-selection": ["SelectionInsufficient"],
    "secure-boot": ["SecureBootDisabled", "SecureBootUnproven", "SecureBootKeyRevoked", "SecureBootKeyUnknown",
                    "SecureBootOutdated"],
    # The quote is read before its signature is checked: cut, with bytes behind it, of another kind.
    "signature": ["SignatureInvalid", "QuoteMalformed", "QuoteNotAQuote"],
    "signature-parse": ["QuoteMalformed", "SignatureInvalid"],
}
OUTCOMES = {0: "accept", 3: "accept", 4: "reject"}


def unusable(text):
    print(f"run-corpus: {text}", file=sys.stderr)
    sys.exit(2)


def prepare(corpus, out):
    """Each policy as our kinds; returns the folder of each."""
    folders = {}
    for source in sorted((corpus / "policy").glob("*.json")):
        folder = out / source.stem
        done = subprocess.run([sys.executable, HERE / "corpus_policy.py", corpus, source, folder],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            unusable(done.stderr.strip() or done.stdout.strip())
        folders[source.stem] = folder
    return folders


def appraise(program, policy, case):
    """(verdict, codes, text of the first reason)"""
    command = [program, "appraise", "--policy", policy / "policy.json", "--references", policy / "references",
               "--trust-bundle", policy / "bundle.pem", "--output", "json", case]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode not in OUTCOMES:
        return f"exit status {done.returncode}", [], done.stderr.strip()
    result = json.loads(done.stdout)
    reasons = [each for each in result["reasons"] if each["severity"] not in ("none", "affirming")]
    expected_status = {0: "affirming", 3: "warning", 4: "contraindicated"}[done.returncode]
    if result["status"] != expected_status:
        return f"exit status {done.returncode} with status {result['status']}", [], ""
    first = f"{reasons[0]['code']}: {reasons[0]['message']}" if reasons else ""
    return OUTCOMES[done.returncode], [each["code"] for each in reasons], first


def fits(codes, checks):
    wanted = {code for check in checks for code in FITS.get(check, [check])}
    return not wanted.isdisjoint(codes)


def main():
    if len(sys.argv) != 3:
        unusable("expected KUBECTL_AVOUCH CORPUS")
    program, corpus = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    cases = sorted(path.parent for path in corpus.glob("cases/*/meta.json"))
    if not cases:
        unusable(f"{corpus} has no cases/*/meta.json: expected a corpus in the layout of its DATA.md")
    try:
        subprocess.run([program, "version", "--client"], capture_output=True, check=False, timeout=300)
    except OSError as error:
        unusable(f"{program} cannot be run: {error.strerror}: expected a kubectl-avouch")
    different = 0
    with tempfile.TemporaryDirectory() as temporary:
        policies = prepare(corpus, pathlib.Path(temporary))

        def judge(case):
            meta = json.loads((case / "meta.json").read_text())
            if meta.get("expectedVerdict", {}).get("verdict") not in OUTCOMES.values():
                unusable(f"{case}/meta.json: expectedVerdict.verdict: expected one of {sorted(set(OUTCOMES.values()))}")
            if meta.get("policy") not in policies:
                return meta, ("no such policy", [], str(meta.get("policy")))
            return meta, appraise(program, policies[meta["policy"]], case)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for case, (meta, (got, codes, first)) in zip(cases, pool.map(judge, cases)):
                expected = meta["expectedVerdict"]["verdict"]
                checks = meta["expectedVerdict"].get("failingChecks", [])
                agrees = got == expected
                note = first
                if agrees and got == "reject" and checks and not fits(codes, checks):
                    agrees = False
                    note = f"no code fits {', '.join(checks)}; got {', '.join(dict.fromkeys(codes))}: {first}"
                different += not agrees
                print(f"{'ok  ' if agrees else 'DIFF'} {case.name:<28} expected {expected:<7} got {got:<7} {note[:160]}")
    print(f"{len(cases) - different} of {len(cases)} cases agree, {different} differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
