#!/usr/bin/env python3
"""Checks one entry of a verdict log, with no code of Avouch: leaf, inclusion, checkpoint signature.

    check-log-entry.py --fetch COMMAND --vkey VKEY --index N [--preimage FILE]

COMMAND prints one file of the log; {path} in it stands for the file (checkpoint, tile/0/000.p/5).
For a log in a folder: --fetch 'cat /var/lib/avouch/log/{path}'. Formats: C2SP signed-note,
tlog-checkpoint, tlog-tiles; RFC 6962. Needs python3-cryptography.
"""

import argparse
import base64
import hashlib
import shlex
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def fail(why):
    print(f"FAILS: {why}")
    sys.exit(1)


def fetch(command, path):
    words = [word.replace("{path}", path) for word in shlex.split(command)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != 0:
        fail(f"{path} cannot be read: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tile_path(level, number, width):
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/" + "/".join(groups) + ("" if width == 256 else f".p/{width}")


def verify_checkpoint(note, vkey):
    """Size and root of a checkpoint that the key of `vkey` signed."""
    name, key_id, encoded = vkey.strip().split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if key[0] != 1 or len(key) != 33:
        fail("the vkey is not Ed25519")
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        fail("the vkey's key ID is not that of its key")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        if dash != "\u2014" or signer != name or raw[:4].hex() != key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(raw[4:], text.encode())
        except InvalidSignature:
            fail("the checkpoint's signature is wrong")
        origin, size, root = text.splitlines()[:3]
        print(f"ok: checkpoint of {origin}, {size} entries, signed by {name}")
        return int(size), base64.b64decode(root, validate=True)
    fail("no signature of that key is on the checkpoint")


class Tree:
    """Hashes of a tree of `size` leaves, from its tiles; none of them is believed."""

    def __init__(self, read, size):
        self.read, self.size, self.tiles = read, size, {}

    def node(self, level, index):
        """The hash over leaves [index << level, (index + 1) << level), all of which exist."""
        tile_level, below = divmod(level, 8)
        first = index << below
        number, offset = divmod(first, 256)
        width = min(256, (self.size >> (8 * tile_level)) - number * 256)
        if (tile_level, number) not in self.tiles:
            data = self.read(tile_path(tile_level, number, width))
            if len(data) != 32 * width:
                fail(f"tile {tile_level}/{number} has {len(data)} bytes, expected {32 * width}")
            self.tiles[tile_level, number] = [data[i : i + 32] for i in range(0, len(data), 32)]
        hashes = self.tiles[tile_level, number][offset : offset + (1 << below)]
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[i : i + 2]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def root(self, start, end, leaf_index, leaf):
        """Root of leaves [start, end) with `leaf` in the place of leaf `leaf_index`."""
        if end - start == 1:
            return leaf if start == leaf_index else self.node(0, start)
        inside = start <= leaf_index < end
        width = end - start
        if not inside and width & (width - 1) == 0:
            return self.node(width.bit_length() - 1, start // width)
        half = 1 << ((width - 1).bit_length() - 1)
        return node_hash(
            self.root(start, start + half, leaf_index, leaf),
            self.root(start + half, end, leaf_index, leaf),
        )


def read_entry(read, size, index):
    number, offset = divmod(index, 256)
    bundle = read(tile_path("entries", number, min(256, size - number * 256)))
    for _ in range(offset):
        bundle = bundle[2 + int.from_bytes(bundle[:2], "big") :]
    length = int.from_bytes(bundle[:2], "big")
    entry = bundle[2 : 2 + length]
    if len(bundle) < 2 or len(entry) != length:
        fail(f"the bundle ends before entry {index}")
    return entry


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fetch", required=True, help="command that prints the file {path} of the log")
    parser.add_argument("--vkey", required=True, help="the log's verifier key (name+id+key)")
    parser.add_argument("--index", required=True, type=int, help="the entry")
    parser.add_argument("--preimage", help="file with the entry's content, to check what it commits to")
    options = parser.parse_args()

    def read(path):
        return fetch(options.fetch, path)

    size, root = verify_checkpoint(read("checkpoint").decode(), options.vkey)
    if not 0 <= options.index < size:
        fail(f"entry {options.index} is not in a tree of {size}")
    entry = read_entry(read, size, options.index)
    leaf = leaf_hash(entry)
    print(f"ok: entry {options.index} has {len(entry)} bytes and leaf hash {leaf.hex()}")
    if Tree(read, size).root(0, size, options.index, leaf) != root:
        fail("the entry is not in the tree that the checkpoint names")
    print("ok: it is in the tree whose root is signed")
    if options.preimage:
        with open(options.preimage, "rb") as file:
            digest = hashlib.sha256(file.read()).digest()
        if digest not in entry:
            fail("the entry does not commit to this content")
        print("ok: the entry commits to this content")


if __name__ == "__main__":
    main()
