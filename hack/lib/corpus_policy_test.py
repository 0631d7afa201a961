"""Gives corpus_policy.py policies with a rule that ours cannot have, and expects each to be refused."""

import contextlib
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import corpus_policy

DIGEST = "00" * 32
GOOD = {
    "name": "p", "requireSecureBoot": True, "ekTrustAnchors": ["root.pem"], "referenceCase": "01",
    "referencePcrs": {"sha256": {"0": DIGEST}}, "requireQuotedPcrs": {"sha256": [0, 7, 10, 14]},
    "kernelCmdline": ["root=/dev/vda1"],
    "ima": {"requireReplay": True, "allowlist": "allowlist.sha256"},
}


class CorpusPolicy(unittest.TestCase):
    def spec_of(self, **changed):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "root.pem").write_text("PEM\n")
            (folder / "allowlist.sha256").write_text(f"{DIGEST}  /bin/sh\n")
            policy = folder / "policy.json"
            policy.write_text(json.dumps({**GOOD, **changed}))
            stack.enter_context(mock.patch.object(sys, "argv", ["", str(folder), str(policy), str(folder / "out")]))
            corpus_policy.main()
            return json.loads((folder / "out" / "policy.json").read_text())["spec"]

    def test_takes_what_ours_can_say(self):
        spec = self.spec_of()
        self.assertEqual(spec["runtime"]["references"], [{"name": "files"}])
        self.assertEqual(spec["bootLog"]["kernelCommandLine"]["required"], ["(BOOT_IMAGE=)?(root=/dev/vda1)"])
        self.assertNotIn("kernelCommandLine", self.spec_of(kernelCmdline=None)["bootLog"])
        self.assertNotIn("runtime", self.spec_of(ima={"requireReplay": False}))
        self.assertEqual(self.spec_of(ima={"requireReplay": True})["runtime"]["files"], "ReplayOnly")

    def test_refuses_a_rule_that_nothing_of_ours_would_check(self):
        for changed, said in (
            ({"more": 1}, "unknown members ['more']"),
            ({"ima": {"requireReplay": True, "more": 1}}, "ima: unknown members ['more']"),
            ({"ima": {"requireReplay": False, "allowlist": "allowlist.sha256"}}, "without requireReplay"),
            ({"ima": {"allowlist": "allowlist.sha256"}}, "without requireReplay"),
            ({"kernelCmdline": []}, "kernelCmdline: allows no line"),
            ({"requireQuotedPcrs": {"sha256": [0, 11]}}, "sha256: PCR [11] cannot be demanded"),
            ({"requireQuotedPcrs": {"sha256": [0], "sha1": [12]}}, "sha1: PCR [12] cannot be demanded"),
            ({"referencePcrs": {"sha256": {"0": DIGEST}, "sha1": {"0": "00" * 20}}}, "values for ['sha1']"),
            ({"referencePcrs": {"sha256": {"0": DIGEST}, "sha384": {"0": DIGEST}}}, "values for ['sha384']"),
        ):
            with self.subTest(said), self.assertRaises(SystemExit) as refused:
                self.spec_of(**changed)
            self.assertIn(said, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
