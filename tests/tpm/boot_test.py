#!/usr/bin/env python3
"""Tests hack/tpm/boot.py against a real swtpm: an orderly reboot is one, and an unclean one is none. Usage: boot_test.py REPOSITORY

What tells them apart is the TPM's own clock: after a reset that no TPM2_Shutdown came before, its value is not safe."""

import os
import struct
import subprocess
import sys
import tempfile

REPO = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(REPO, "hack/tpm"))
import boot  # noqa: E402

LOG = os.path.join(REPO, "tests/vectors/bootlogs/good.bin")
CC_READ_CLOCK = 0x181
failed = False


def expect(what, holds):
    global failed
    if not holds:
        print(f"FAILED: {what}")
        failed = True


class Emulator:
    def __init__(self, folder):
        self.state = os.path.join(folder, "state")
        self.socket, self.control = os.path.join(folder, "sock"), os.path.join(folder, "ctrl")
        os.mkdir(self.state)
        subprocess.run(["swtpm_setup", "--tpm2", "--tpm-state", self.state, "--runas", "root", "--ecc", "--pcr-banks", "sha1,sha256",
                        "--overwrite"], check=True, stdout=subprocess.DEVNULL, timeout=120)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}", "--flags", "not-need-init",
             "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.control}"])

    def boot(self, *options):
        done = subprocess.run(
            [sys.executable, os.path.join(REPO, "hack/tpm/boot.py"), "--socket", self.socket, "--control", self.control, *options, LOG],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
        expect(f"boot.py {' '.join(options)} succeeds: {done.stdout}", done.returncode == 0)

    def clock(self):
        """-> (resets, whether the clock is safe)"""
        tpm = boot.Tpm(self.socket, 20)
        try:
            answer = boot.Reader(tpm.command(boot.ST_NO_SESSIONS, CC_READ_CLOCK, b""), "ReadClock")
            _, _, resets, _, safe = struct.unpack(">QQIIB", answer.take(25))
            return resets, bool(safe)
        finally:
            tpm.socket.close()

    def extend(self):
        tpm = boot.Tpm(self.socket, 20)
        try:
            tpm.extend(16, {0x000B: bytes(32)})
        finally:
            tpm.socket.close()

    def end(self):
        self.process.terminate()
        self.process.wait(20)


with tempfile.TemporaryDirectory() as scratch:
    emulator = Emulator(scratch)
    try:
        emulator.boot()  # of a TPM that was never started: nothing is to be shut down
        resets, _ = emulator.clock()
        emulator.extend()
        emulator.boot()
        expect("an orderly reboot is a reset, and leaves the clock safe", emulator.clock() == (resets + 1, True))
        emulator.extend()
        emulator.boot("--unclean")
        expect("an unclean one does not", emulator.clock() == (resets + 2, False))
        emulator.boot()
        expect("the next orderly one is a reset again", emulator.clock()[0] == resets + 3)
    finally:
        emulator.end()
print("boot.py's test has failed" if failed else "boot.py's test has passed")
sys.exit(failed)
