#!/usr/bin/env python3
"""Checks one entry of a verdict log against its signed checkpoint, with no code of the project:

    check-log-entry.py --vkey VKEY --index N [--preimage FILE] [--verifier-key PEM] SOURCE

SOURCE is a directory or an http(s) URL that serves the log (checkpoint, tile/...), or, with
--command, a shell command with {} in place of the path, as `kubectl get --raw /.../log/{}`.
Prints each step; exit status 0 only if all of them hold. Needs python3 and python3-cryptography."""

import argparse
import base64
import hashlib
import ssl
import subprocess
import sys
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils


def require(holds, step):
    print(("ok      " if holds else "FAILED  ") + step)
    if not holds:
        sys.exit(1)


def sha256(data):
    return hashlib.sha256(data).digest()


def fetch(args, path):
    if args.command:
        command = args.source.replace("{}", path)
        return subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE).stdout
    if args.source.startswith(("http://", "https://")):
        context = ssl.create_default_context(cafile=args.cacert) if args.cacert else None
        url = args.source.rstrip("/") + "/" + path
        with urllib.request.urlopen(url, timeout=30, context=context) as answer:
            return answer.read(1 << 25)
    with open(f"{args.source}/{path}", "rb") as file:
        return file.read()


def fetch_partial(args, path, width):
    """A tile or bundle of this width; where a partial one is gone, the full one has it all."""
    if width == 256:
        return fetch(args, path)
    try:
        return fetch(args, f"{path}.p/{width}")
    except Exception:
        return fetch(args, path)


def index_path(n):
    digits = str(n).zfill(-(-len(str(n)) // 3) * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + g for g in groups[:-1]] + groups[-1:])


def open_checkpoint(note, vkey):
    name, key_hash, key = vkey.split("+", 2)
    key = base64.b64decode(key, validate=True)
    require(key[0] == 1 and len(key) == 33 and
            sha256(name.encode() + b"\n" + key)[:4].hex() == key_hash, f"verifier key of {name}")
    text, lines = note.rsplit(b"\n\n", 1)
    text += b"\n"
    blobs = [base64.b64decode(line.split(b" ")[2], validate=True) for line in lines.splitlines()
             if line.startswith(b"\xe2\x80\x94 " + name.encode() + b" ")]
    ours = [blob[4:] for blob in blobs if blob[:4].hex() == key_hash]
    require(bool(ours), "the checkpoint has a signature by this key")
    for signature in ours:
        ed25519.Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, text)
    origin, size, root = text.split(b"\n")[:3]
    require(origin.decode() == name and str(int(size)).encode() == size,
            f"signed checkpoint: {int(size)} entries, root {base64.b64decode(root).hex()}")
    return int(size), base64.b64decode(root)


class Tiles:
    """Hashes of complete subtrees, from tiles."""

    def __init__(self, args, size):
        self.args, self.size, self.cache = args, size, {}

    def node(self, level, index):
        tile_level, height = divmod(level, 8)
        tile, first = divmod(index << height, 256)
        if (tile_level, tile) not in self.cache:
            width = min(256, (self.size >> (8 * tile_level)) - 256 * tile)
            data = fetch_partial(self.args, f"tile/{tile_level}/{index_path(tile)}", width)
            self.cache[tile_level, tile] = [data[i:i + 32] for i in range(0, 32 * width, 32)]
        row = self.cache[tile_level, tile][first:first + (1 << height)]
        while len(row) > 1:
            row = [sha256(b"\1" + row[i] + row[i + 1]) for i in range(0, len(row), 2)]
        return row[0]

    def subtree(self, lo, hi):
        if (hi - lo) & (hi - lo - 1) == 0:
            return self.node((hi - lo).bit_length() - 1, lo // (hi - lo))
        mid = lo + (1 << ((hi - lo - 1).bit_length() - 1))
        return sha256(b"\1" + self.subtree(lo, mid) + self.subtree(mid, hi))

    def root_with(self, leaf, index, lo, hi):
        """The root of [lo, hi) with `leaf` at `index`, everything else from tiles."""
        if hi - lo == 1:
            return leaf
        mid = lo + (1 << ((hi - lo - 1).bit_length() - 1))
        if index < mid:
            return sha256(b"\1" + self.root_with(leaf, index, lo, mid) + self.subtree(mid, hi))
        return sha256(b"\1" + self.subtree(lo, mid) + self.root_with(leaf, index, mid, hi))


def read_entry(args, size):
    bundle = args.index // 256
    data = fetch_partial(args, f"tile/entries/{index_path(bundle)}", min(256, size - 256 * bundle))
    for _ in range(args.index % 256):
        data = data[2 + int.from_bytes(data[:2], "big"):]
    return data[2:2 + int.from_bytes(data[:2], "big")]


def byte_string(data, at):
    """A CBOR byte string: its content, and where it ends."""
    size = {0x58: 1, 0x59: 2}.get(data[at], 0)
    if not 0x40 <= data[at] <= 0x57 and not size:
        raise ValueError(f"no byte string at offset {at} of the statement")
    length = int.from_bytes(data[at + 1:at + 1 + size], "big") if size else data[at] - 0x40
    begin = at + 1 + size
    return data[begin:begin + length], data[at:begin + length], begin + length


def check_statement(args, entry):
    protected, protected_cbor, at = byte_string(entry, 2)
    require(entry[:2] == b"\xd2\x84" and entry[at:at + 1] == b"\xa0" and protected[:1] == b"\xa5",
            "the entry is a signed statement with five protected headers and no others")
    digest, digest_cbor, at = byte_string(entry, at + 1)
    signature, _, at = byte_string(entry, at)
    require(len(digest) == 32 and len(signature) == 64 and at == len(entry), "of the right form")
    if args.verifier_key:
        with open(args.verifier_key, "rb") as file:
            key = serialization.load_pem_public_key(file.read())
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        signed = b"\x84\x6aSignature1" + protected_cbor + b"\x40" + digest_cbor
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        require(True, "signed by the verifier key")
    if args.preimage:
        with open(args.preimage, "rb") as file:
            require(sha256(file.read()) == digest, "the preimage is the one it commits to")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--command", action="store_true", help="SOURCE is a shell command")
    parser.add_argument("--cacert", help="CA certificates for an https SOURCE")
    parser.add_argument("--vkey", required=True, help="the log's verifier key")
    parser.add_argument("--index", required=True, type=int)
    parser.add_argument("--preimage", help="file with the entry's preimage")
    parser.add_argument("--verifier-key", help="PEM public key that signed the entry")
    args = parser.parse_args()
    try:
        size, root = open_checkpoint(fetch(args, "checkpoint"), args.vkey)
        require(0 <= args.index < size, f"entry {args.index} is under the checkpoint")
        entry = read_entry(args, size)
        leaf = sha256(b"\0" + entry)
        require(True, f"entry of {len(entry)} bytes, leaf hash {leaf.hex()}")
        require(Tiles(args, size).root_with(leaf, args.index, 0, size) == root,
                "leaf and tiles make the signed root: the entry is included")
        check_statement(args, entry)
    except Exception as error:  # whatever it is, nothing is proven
        require(False, f"{type(error).__name__}: {error}")
    print(f"entry {args.index} is proven")


main()
