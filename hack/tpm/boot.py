#!/usr/bin/env python3
"""Boots a TPM emulator: extends every event of a measured-boot log into it.

The log is what Linux gives in binary_bios_measurements: crypto-agile, of the
TCG PC Client Platform Firmware Profile. It is read strictly: anything that is
not exactly such a log is refused before the TPM is touched. Afterwards the PCRs
are what the log says, in every bank that is active in the TPM.

swtpm serves one client at a time. All commands go through one connection, so
that nobody sees a TPM that is half booted.
"""

import argparse
import hashlib
import os
import socket
import struct
import subprocess
import sys
import time

EV_NO_ACTION = 3
HASHES = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
PCR_COUNT = 24
MAX_LOG = 4 << 20

ST_NO_SESSIONS, ST_SESSIONS = 0x8001, 0x8002
CC_STARTUP, CC_SHUTDOWN, CC_PCR_READ, CC_GET_CAPABILITY, CC_PCR_EXTEND = 0x144, 0x145, 0x17E, 0x17A, 0x182
RC_SUCCESS, RC_INITIALIZE = 0, 0x100
CAP_PCRS = 5
RS_PW = 0x40000009


class Refused(Exception):
    """The log or an answer of the TPM is not what it should be."""


class Reader:
    def __init__(self, data, what):
        self.data, self.position, self.what = data, 0, what

    def take(self, count):
        piece = self.data[self.position : self.position + count]
        if len(piece) != count:
            raise Refused(f"{self.what}: {count} bytes expected at offset {self.position}, {len(piece)} left")
        self.position += count
        return piece

    def unpack(self, layout):
        values = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return values if len(values) > 1 else values[0]

    def at_end(self):
        return self.position == len(self.data)


def read_header(log):
    """The Spec ID event, a record of the old SHA-1 form: digest size of each bank."""
    pcr, kind, digest, size = log.unpack("<II20sI")
    if (pcr, kind, digest) != (0, EV_NO_ACTION, bytes(20)):
        raise Refused("boot log: does not begin with a Spec ID event")
    event = Reader(log.take(size), "Spec ID event")
    if event.take(16) != b"Spec ID Event03\0":
        raise Refused("boot log: not crypto-agile (no 'Spec ID Event03')")
    event.take(8)  # platform class, version, errata, size of UINTN
    count = event.unpack("<I")
    if not 1 <= count <= 16:
        raise Refused(f"Spec ID event: {count} digest algorithms; expected 1 to 16")
    sizes = {}
    for _ in range(count):
        algorithm, digest_size = event.unpack("<HH")
        if algorithm in sizes:
            raise Refused(f"Spec ID event: algorithm {algorithm:#06x} twice")
        if algorithm in HASHES and digest_size != hashlib.new(HASHES[algorithm]).digest_size:
            raise Refused(f"Spec ID event: {HASHES[algorithm]} digests of {digest_size} bytes")
        sizes[algorithm] = digest_size
    event.take(event.unpack("<B"))
    if not event.at_end():
        raise Refused("Spec ID event: data after its end")
    return sizes


def read_log(data):
    """-> (banks, [(pcr, {algorithm: digest})] in order, without EV_NO_ACTION)."""
    if len(data) > MAX_LOG:
        raise Refused(f"boot log: {len(data)} bytes; expected at most {MAX_LOG}")
    log = Reader(data, "boot log")
    sizes = read_header(log)
    events = []
    while not log.at_end():
        start = log.position
        pcr, kind, count = log.unpack("<III")
        if pcr >= PCR_COUNT:
            raise Refused(f"boot log, offset {start}: PCR {pcr}; expected 0 to {PCR_COUNT - 1}")
        digests = {}
        for _ in range(min(count, 17)):
            algorithm = log.unpack("<H")
            if algorithm not in sizes or algorithm in digests:
                raise Refused(f"boot log, offset {start}: algorithm {algorithm:#06x} unknown or twice")
            digests[algorithm] = log.take(sizes[algorithm])
        if count != len(sizes):
            raise Refused(f"boot log, offset {start}: {count} digests; expected {len(sizes)}")
        event = log.take(log.unpack("<I"))
        if kind != EV_NO_ACTION:
            events.append((pcr, digests))
        elif event.startswith(b"StartupLocality\0") and any(event[16:]):
            raise Refused(f"boot log, offset {start}: startup locality other than 0, which this TPM is not started at")
    return sizes, events


def replay(events, banks):
    """-> {algorithm: [24 values]}, as a TPM would have them after the events."""
    result = {}
    for algorithm in banks:
        size = hashlib.new(HASHES[algorithm]).digest_size
        values = [bytes(size) if not 17 <= n <= 22 else b"\xff" * size for n in range(PCR_COUNT)]
        for pcr, digests in events:
            values[pcr] = hashlib.new(HASHES[algorithm], values[pcr] + digests[algorithm]).digest()
        result[algorithm] = values
    return result


class Tpm:
    def __init__(self, path, timeout):
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(timeout)
                self.socket.connect(path)
                return
            except OSError as error:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise Refused(f"cannot connect to the TPM at {path}: {error}") from error
                time.sleep(0.05)

    def command(self, tag, code, body, accept=(RC_SUCCESS,)):
        self.socket.sendall(struct.pack(">HII", tag, 10 + len(body), code) + body)
        header = self.receive(10)
        _, size, result = struct.unpack(">HII", header)
        if not 10 <= size <= 65536:
            raise Refused(f"TPM answer of {size} bytes to command {code:#x}")
        answer = self.receive(size - 10)
        if result not in accept:
            raise Refused(f"TPM refused command {code:#x}: response code {result:#x}")
        return answer

    def receive(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise Refused("the TPM closed the connection")
            data += piece
        return data

    def wait_for_turn(self):
        """Returns when this connection is the one that the TPM serves."""
        answer = struct.pack(">III", CAP_PCRS, 0, 1)
        self.command(ST_NO_SESSIONS, CC_GET_CAPABILITY, answer, accept=(RC_SUCCESS, RC_INITIALIZE))

    def shutdown(self):
        """As an operating system does before it reboots; nothing where the TPM was never started."""
        self.command(ST_NO_SESSIONS, CC_SHUTDOWN, struct.pack(">H", 0), accept=(RC_SUCCESS, RC_INITIALIZE))

    def startup(self):
        self.command(ST_NO_SESSIONS, CC_STARTUP, struct.pack(">H", 0), accept=(RC_SUCCESS, RC_INITIALIZE))

    def active_banks(self):
        body = struct.pack(">III", CAP_PCRS, 0, 1)
        answer = Reader(self.command(ST_NO_SESSIONS, CC_GET_CAPABILITY, body), "PCR capability")
        answer.take(5)
        banks = []
        for _ in range(answer.unpack(">I")):
            algorithm, size = answer.unpack(">HB")
            if any(answer.take(size)):
                banks.append(algorithm)
        return banks

    def extend(self, pcr, digests):
        authorization = struct.pack(">IHBH", RS_PW, 0, 0, 0)
        values = b"".join(struct.pack(">H", algorithm) + digest for algorithm, digest in digests.items())
        body = struct.pack(">II", pcr, len(authorization)) + authorization + struct.pack(">I", len(digests)) + values
        self.command(ST_SESSIONS, CC_PCR_EXTEND, body)

    def read(self, algorithm, pcr):
        bitmap = (1 << pcr).to_bytes(3, "little")
        body = struct.pack(">IHB", 1, algorithm, 3) + bitmap
        answer = Reader(self.command(ST_NO_SESSIONS, CC_PCR_READ, body), "PCR_Read")
        answer.take(4)
        for _ in range(answer.unpack(">I")):
            _, size = answer.unpack(">HB")
            answer.take(size)
        if answer.unpack(">I") != 1:
            raise Refused(f"TPM did not return PCR {pcr}")
        return answer.take(answer.unpack(">H"))


def install_log(data, path):
    temporary = path + ".new"
    with open(temporary, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def boot(options):
    with open(options.log, "rb") as file:
        data = file.read(MAX_LOG + 1)
    sizes, events = read_log(data)

    tpm = Tpm(options.socket, options.timeout)
    tpm.wait_for_turn()
    if options.control:
        if not options.unclean:
            tpm.shutdown()
        subprocess.run(["swtpm_ioctl", "-i", "--unix", options.control], check=True, timeout=options.timeout)
    tpm.startup()

    banks = tpm.active_banks()
    for algorithm in banks:
        if algorithm not in HASHES or algorithm not in sizes:
            raise Refused(f"the TPM's bank {HASHES.get(algorithm, hex(algorithm))} is not in the boot log")
    # Also when the TPM had been booted already: the result below would not match.
    for pcr, digests in events:
        tpm.extend(pcr, {algorithm: digests[algorithm] for algorithm in banks})
    for algorithm, values in replay(events, banks).items():
        for pcr in sorted({pcr for pcr, _ in events}):
            if tpm.read(algorithm, pcr) != values[pcr]:
                raise Refused(f"PCR {pcr} ({HASHES[algorithm]}) is not what the log says: was the TPM reset before?")
    if options.install:
        install_log(data, options.install)
    names = ", ".join(HASHES[algorithm] for algorithm in banks)
    print(f"{len(events)} events extended in {names}; all PCRs agree with the log")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="boot log to extend")
    parser.add_argument("--socket", required=True, help="swtpm's data socket")
    parser.add_argument("--control", help="swtpm's control socket: reset the TPM through it first")
    parser.add_argument("--unclean", action="store_true", help="reset without TPM2_Shutdown before, as a crash does: the TPM "
                        "counts it against whoever guesses, and a few of them lock it")
    parser.add_argument("--install", metavar="FILE", help="where the node reads its boot log: put there before the TPM is let go")
    parser.add_argument("--timeout", type=float, default=20, help="seconds to wait for the TPM")
    try:
        boot(parser.parse_args())
    except (Refused, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"boot.py: {error}")


if __name__ == "__main__":
    main()
