#!/usr/bin/env python3
"""Checks an in-toto statement of `kubectl avouch export`, with no code of Avouch.

    check-export.py --vkey VKEY --entry-keys PEM --signer-keys PEM FILE

VKEY is the log's verifier key. PEM files hold public keys: --entry-keys of the log's verifier, who signed the entry,
--signer-keys of who signed the statement. Formats: DSSE, in-toto Statement v1, C2SP tlog-proof, RFC 9052, RFC 9162.
Needs python3-cryptography, python3-cbor2.
"""

import argparse
import base64
import datetime
import hashlib
import json
import re
import sys

try:
    import cbor2
except ImportError:
    sys.exit("needs python3-cbor2 and python3-cryptography, of the Python that runs this: try /usr/bin/python3 " + sys.argv[0])
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def fail(why):
    print(f"FAILS: {why}")
    sys.exit(1)


def require(holds, what):
    if not holds:
        fail(f"not so: {what}")
    print(f"ok: {what}")


def from_base64(text):
    return base64.b64decode(text, validate=True)


def keys_of(file):
    with open(file, encoding="ascii") as pem:
        blocks = re.findall("-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", pem.read(), re.DOTALL)
    return [load_pem_public_key(block.encode()) for block in blocks]


def is_signed(key, message, signature):
    """By a key as its kind signs: ECDSA in DER with the curve's hash, Ed25519, RSA-PSS."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def checkpoint_of(note, vkey):
    """Size and root that the log's key signed."""
    name, key_id, encoded = vkey.strip().split("+", 2)
    key = from_base64(encoded)
    if key[0] != 1 or hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        fail("the vkey is no Ed25519 key with its key ID")
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        raw = from_base64(blob)
        if dash == "\u2014" and signer == name and raw[:4].hex() == key_id:
            signed = is_signed(ed25519.Ed25519PublicKey.from_public_bytes(key[1:]), (text + "\n").encode(), raw[4:])
            require(signed, f"the checkpoint is signed by {name}")
            origin, size, root = text.splitlines()[:3]
            require(origin == name, f"it is of log {name}, with {size} entries")
            return int(size), from_base64(root)
    return fail("no signature of that key is on the checkpoint")


def root_of(entry, index, size, path):
    """RFC 9162, 2.1.3.2."""
    here, last, root = index, size - 1, hashlib.sha256(b"\x00" + entry).digest()
    for sibling in path:
        if last == 0:
            fail("the path is too long")
        if here % 2 or here == last:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while here % 2 == 0 and here:
                here, last = here // 2, last // 2
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        here, last = here // 2, last // 2
    return root if last == 0 and index < size else fail("the path does not fit index and size")


def check_entry(entry, index, path, note, options):
    """That it is in the log and who signed it. Its protected header and its payload."""
    size, root = checkpoint_of(note, options.vkey)
    require(root_of(entry, index, size, path) == root, f"entry {index} is in the tree whose root is signed")
    protected, _, payload, signature = cbor2.loads(entry).value
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    half = len(signature) // 2
    der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    require(any(is_signed(key, signed, der) for key in keys_of(options.entry_keys)), "the entry is signed by a key given for it")
    return cbor2.loads(protected), payload


def in_json(value):
    """How a statement shows the entry's content: bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [in_json(each) for each in value]
    return {key: in_json(each) for key, each in value.items()} if isinstance(value, dict) else value


def in_utc(milliseconds):
    """How a statement shows the entry's time: cut to seconds."""
    return datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_in_toto(envelope, options):
    payload, kind = from_base64(envelope["payload"]), envelope["payloadType"]
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    by = [key for key in keys_of(options.signer_keys) for each in envelope["signatures"] if is_signed(key, signed, from_base64(each["sig"]))]
    require(by and kind == "application/vnd.in-toto+json", "the statement is signed by a key given for it")
    statement = json.loads(payload)
    require(statement["_type"] == "https://in-toto.io/Statement/v1", "it is an in-toto Statement v1")
    require(statement["predicateType"] == "https://avouch.dev/in-toto/verdict/v1", "it is about a verdict")
    said = statement["predicate"]
    head, _, note = said["proof"].partition("\n\n")
    magic, extra, index, *path = head.split("\n")
    require((magic, index) == ("c2sp.org/tlog-proof@v1", f"index {said['index']}"), "it holds a C2SP tlog-proof")
    path = [from_base64(each) for each in path]
    header, commitment = check_entry(from_base64(extra.removeprefix("extra ")), said["index"], path, note, options)
    preimage = from_base64(said["preimage"])
    require(hashlib.sha256(preimage).digest() == commitment, "the entry commits to the content")
    _, content = cbor2.loads(preimage)
    require((said["origin"], f"application/vnd.avouch.{said['kind']}+cbor") == (header[15][1], header[259]), "its origin and kind are the entry's")
    place = "node" if said["kind"] == "node-verdict" else "pod"
    outcome = content["phase" if place == "node" else "decision"]
    require((said["time"], said["outcome"]) == (in_utc(content["time"]), outcome), f"its time and outcome are the entry's: {outcome}")
    require(said["content"] == in_json(content), "its content is the entry's")
    name = content["node"] if place == "node" else f"{content['namespace']}/{content['pod']}"
    uid = content.get(place + "UID")
    subjects = [(f"{place}/{name}", hashlib.sha256(f"{place}\n{uid}".encode()).hexdigest())] if uid else []
    if place == "pod" and "podSpecDigest" in content:
        subjects.append((f"podspec/{name}", content["podSpecDigest"].hex()))
    require([(each["name"], each["digest"]["sha256"]) for each in statement["subject"]] == subjects, f"its subject is {place} {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vkey", required=True, help="the log's verifier key (name+id+key)")
    parser.add_argument("--entry-keys", required=True, help="file with public keys of the log's verifier")
    parser.add_argument("--signer-keys", required=True, help="file with public keys of who signed the statement")
    parser.add_argument("file")
    options = parser.parse_args()
    with open(options.file, encoding="utf-8") as file:
        document = json.load(file)
    if "payloadType" not in document:
        fail("it is no DSSE envelope")
    check_in_toto(document, options)


if __name__ == "__main__":
    main()
