#!/usr/bin/env python3
"""Measures files as a Linux kernel with IMA does: into the runtime log, and into PCR 10 of a TPM emulator.

The log is what Linux gives in binary_runtime_measurements, of template ima-ng. An entry goes into the log first and
into the TPM then, as with a kernel: whoever quotes in between sees a log that is ahead of PCR 10. Every bank that is
active in the TPM is extended with the template's hash by the bank's own algorithm, as kernels do from 5.8 on.
"""

import argparse
import hashlib
import os
import struct
import sys

from boot import HASHES, Reader, Refused, Tpm

PCR = 10
SHA256 = 0x000B
TEMPLATE = b"ima-ng"
MAX_LOG = 4 << 20
MAX_PATH = 4096


def template(digest, path):
    """The template's data: the file's SHA-256 digest, and its path."""
    fields = [b"sha256:\0" + digest, path.encode() + b"\0"]
    return b"".join(struct.pack("<I", len(field)) + field for field in fields)


def entry(data):
    """An entry of the log, for such data."""
    return b"".join((struct.pack("<I", PCR), hashlib.sha1(data).digest(), struct.pack("<I", len(TEMPLATE)), TEMPLATE,
                     struct.pack("<I", len(data)), data))


def read_log(data):
    """-> [template data], strictly; the digests must be those of the data (no violations)."""
    if len(data) > MAX_LOG:
        raise Refused(f"runtime log: {len(data)} bytes; expected at most {MAX_LOG}")
    log = Reader(data, "runtime log")
    entries = []
    while not log.at_end():
        number = len(entries) + 1
        pcr, digest, size = log.unpack("<I20sI")
        if pcr != PCR or size != len(TEMPLATE) or log.take(size) != TEMPLATE:
            raise Refused(f"runtime log, entry {number}: expected template ima-ng in PCR {PCR}")
        content = log.take(log.unpack("<I"))
        if hashlib.sha1(content).digest() != digest:
            raise Refused(f"runtime log, entry {number}: its digest is not that of its data")
        entries.append(content)
    return entries


def boot_aggregate(tpm):
    """What a kernel measures first: the digest over PCR 0 to 9 as it found them."""
    values = b"".join(tpm.read(SHA256, pcr) for pcr in range(10))
    return template(hashlib.sha256(values).digest(), "boot_aggregate")


def measure(options):
    tpm = Tpm(options.socket, options.timeout)
    tpm.wait_for_turn()
    banks = tpm.active_banks()
    if SHA256 not in banks or any(algorithm not in HASHES for algorithm in banks):
        raise Refused("the TPM has no bank sha256, or one that is unknown")
    before = {algorithm: tpm.read(algorithm, PCR) for algorithm in banks}

    entries = []
    if options.boot:
        if any(any(value) for value in before.values()):
            raise Refused(f"PCR {PCR} has been extended since the TPM's reset: this is no boot")
        entries.append(boot_aggregate(tpm))
    elif not os.path.exists(options.log):
        raise Refused(f"{options.log}: there is no runtime log yet; begin one with --boot")
    if options.entries:
        with open(options.entries, "rb") as file:
            entries += read_log(file.read(MAX_LOG + 1))[1:]  # its boot aggregate is another machine's
    for path, content in options.file:
        if not path.startswith("/") or not 1 < len(path) < MAX_PATH or "\0" in path:
            raise Refused(f"path {path!r}: expected an absolute path")
        entries.append(template(hashlib.sha256(content.encode()).digest(), path))

    os.makedirs(os.path.dirname(options.log), exist_ok=True)
    with open(options.log, "wb" if options.boot else "ab") as file:
        file.write(b"".join(entry(data) for data in entries))
    os.chmod(options.log, 0o644)
    expected = dict(before)
    for data in entries:
        digests = {algorithm: hashlib.new(HASHES[algorithm], data).digest() for algorithm in banks}
        tpm.extend(PCR, digests)
        for algorithm in banks:
            expected[algorithm] = hashlib.new(HASHES[algorithm], expected[algorithm] + digests[algorithm]).digest()
    for algorithm in banks:
        if tpm.read(algorithm, PCR) != expected[algorithm]:
            raise Refused(f"PCR {PCR} ({HASHES[algorithm]}) is not what the log says")
    print(f"{len(entries)} entries measured")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", required=True, help="swtpm's data socket")
    parser.add_argument("--log", required=True, help="the runtime log that the node shows")
    parser.add_argument("--boot", action="store_true", help="begin the log, with this boot's aggregate")
    parser.add_argument("--entries", metavar="FILE", help="measure what FILE, a runtime log of template ima-ng, says")
    parser.add_argument("--file", nargs=2, action="append", default=[], metavar=("PATH", "CONTENT"), help="measure a file")
    parser.add_argument("--timeout", type=float, default=20, help="seconds to wait for the TPM")
    try:
        measure(parser.parse_args())
    except (Refused, OSError) as error:
        sys.exit(f"measure.py: {error}")


if __name__ == "__main__":
    main()
