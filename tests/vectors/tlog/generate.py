#!/usr/bin/env python3
"""Writes the vectors of this folder from the specifications alone (RFC 6962, C2SP, RFC 9052,
src/tlog/FORMAT.md), with no code of the project. Lines are `name = value`; see README.md."""

import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils


def sha256(data):
    return hashlib.sha256(data).digest()


# --- RFC 6962, by its recursive definitions ----------------------------------------------------

def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves, cache, lo, hi):
    if (lo, hi) not in cache:
        if hi == lo:
            cache[lo, hi] = sha256(b"")
        elif hi - lo == 1:
            cache[lo, hi] = sha256(b"\0" + leaves[lo])
        else:
            mid = lo + split(hi - lo)
            cache[lo, hi] = sha256(b"\1" + mth(leaves, cache, lo, mid) + mth(leaves, cache, mid, hi))
    return cache[lo, hi]


def path(leaves, cache, m, lo, hi):
    if hi - lo == 1:
        return []
    mid = lo + split(hi - lo)
    if m < mid:
        return path(leaves, cache, m, lo, mid) + [mth(leaves, cache, mid, hi)]
    return path(leaves, cache, m, mid, hi) + [mth(leaves, cache, lo, mid)]


def subproof(leaves, cache, m, lo, hi, whole):
    if m == hi:
        return [] if whole else [mth(leaves, cache, lo, hi)]
    mid = lo + split(hi - lo)
    if m <= mid:
        return subproof(leaves, cache, m, lo, mid, whole) + [mth(leaves, cache, mid, hi)]
    return subproof(leaves, cache, m, mid, hi, False) + [mth(leaves, cache, lo, mid)]


def hexes(proof):
    return ",".join(h.hex() for h in proof)


def tree_lines():
    # The inputs of Certificate Transparency's own tests.
    leaves = [bytes.fromhex(x) for x in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f")]
    cache = {}
    for n in range(9):
        yield f"ct-root {n} = {mth(leaves, cache, 0, n).hex()}"
    for n in range(1, 9):
        for m in range(n):
            yield f"ct-inclusion {m} {n} = {hexes(path(leaves, cache, m, 0, n))}"
        for m in range(1, n + 1):
            yield f"ct-consistency {m} {n} = {hexes(subproof(leaves, cache, m, 0, n, True))}"
    # Leaf i is the big-endian 32-bit number i.
    leaves = [struct.pack(">I", i) for i in range(70000)]
    cache = {}
    for n in (1, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 69999, 70000):
        yield f"numbers-root {n} = {mth(leaves, cache, 0, n).hex()}"
    for m in (0, 255, 256, 65535, 65536, 69999):
        yield f"numbers-inclusion {m} 70000 = {hexes(path(leaves, cache, m, 0, 70000))}"
    for m in (1, 255, 256, 65536, 69999):
        yield f"numbers-consistency {m} 70000 = {hexes(subproof(leaves, cache, m, 0, 70000, True))}"


# --- C2SP signed-note and tlog-checkpoint ------------------------------------------------------

def key_id(name, typed_key):
    return sha256(name.encode() + b"\n" + typed_key)[:4]


def vkey(name, raw, kind=1):
    typed = bytes([kind]) + raw
    return f"{name}+{key_id(name, typed).hex()}+{base64.b64encode(typed).decode()}"


def signature_line(name, key, text):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    blob = key_id(name, b"\1" + raw) + key.sign(text.encode())
    return f"\u2014 {name} {base64.b64encode(blob).decode()}\n"


def note_lines():
    # The example of the format's authors: its key and signature are theirs, checked here.
    name, kid, typed = ("PeterNeumann", "c74f20a3",
                        base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
    text = ("If you think cryptography is the answer to your problem,\n"
            "then you don't know what your problem is.\n")
    blob = base64.b64decode("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
                            "KvqfqdngotpRZb6KE6RyyBwJnAM=")
    assert key_id(name, typed).hex() == kid and blob[:4].hex() == kid
    ed25519.Ed25519PublicKey.from_public_bytes(typed[1:]).verify(blob[4:], text.encode())
    yield f"example-vkey = {name}+{kid}+{base64.b64encode(typed).decode()}"
    note = text + f"\n\u2014 {name} {base64.b64encode(blob).decode()}\n"
    yield f"example-note = {note.encode().hex()}"

    seed = bytes(range(32))
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    origin = "log.example.org/avouch"
    root = sha256(b"a root")
    text = f"{origin}\n20852163\n{base64.b64encode(root).decode()}\n"
    yield f"log-key-pem = {pem.hex()}"
    yield f"log-vkey = {vkey(origin, raw)}"
    yield f"checkpoint-root = {root.hex()}"
    yield f"checkpoint-note = {(text + chr(10) + signature_line(origin, key, text)).encode().hex()}"
    extended = text + "an extension line\nand another\n"
    note = extended + "\n" + signature_line(origin, key, extended)
    yield f"extended-note = {note.encode().hex()}"
    # Sixteen unknown signers in front of the known one; the last is of a type with a long signature.
    lines = ""
    for i in range(15):
        other = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([i + 1]) * 32)
        lines += signature_line(f"witness-{i}.example", other, text)
    lines += f"\u2014 pq.example {base64.b64encode(bytes(4) + bytes(2428)).decode()}\n"
    note = text + "\n" + lines + signature_line(origin, key, text)
    yield f"crowded-note = {note.encode().hex()}"


# --- C2SP tlog-cosignature v1 (type 04) ----------------------------------------------------------

def cosignature_lines():
    log = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    origin = "log.example.org/avouch"
    text = f"{origin}\n20852163\n{base64.b64encode(sha256(b'a root')).decode()}\n"
    note = text + "\n" + signature_line(origin, log, text)
    for name, seed, time in (("witness.example/one", 7, 1800000000), ("witness.example/two", 8, 1)):
        key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        raw = key.public_key().public_bytes(serialization.Encoding.Raw,
                                            serialization.PublicFormat.Raw)
        signed = f"cosignature/v1\ntime {time}\n{text}".encode()
        blob = key_id(name, b"\4" + raw) + struct.pack(">Q", time) + key.sign(signed)
        line = f"\u2014 {name} {base64.b64encode(blob).decode()}\n"
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        yield f"{name} key-pem = {pem.hex()}"
        yield f"{name} vkey = {vkey(name, raw, 4)}"
        yield f"{name} line = {line.encode().hex()}"
        note += line
    yield f"text = {text.encode().hex()}"
    yield f"cosigned-note = {note.encode().hex()}"


# --- deterministic CBOR, COSE_Sign1 ------------------------------------------------------------

def head(major, n):
    for limit, code, form in ((24, None, None), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"),
                              (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if n < limit:
            if code is None:
                return bytes([major << 5 | n])
            return bytes([major << 5 | code]) + struct.pack(form, n)
    raise ValueError(n)


def cbor(x):
    if isinstance(x, bool):
        return b"\xf5" if x else b"\xf4"
    if isinstance(x, int):
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, bytes):
        return head(2, len(x)) + x
    if isinstance(x, str):
        return head(3, len(x.encode())) + x.encode()
    if isinstance(x, list):
        return head(4, len(x)) + b"".join(map(cbor, x))
    if isinstance(x, dict):
        pairs = sorted((cbor(k), cbor(v)) for k, v in x.items())
        return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    raise TypeError(type(x))


VERIFIER = ec.derive_private_key(0xA70C4, ec.SECP256R1())


def es256(protected, payload):
    signed = cbor(["Signature1", protected, b"", payload])
    r, s = utils.decode_dss_signature(VERIFIER.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def spki_of_verifier():
    return VERIFIER.public_key().public_bytes(serialization.Encoding.DER,
                                              serialization.PublicFormat.SubjectPublicKeyInfo)


def entry_lines():
    spki = spki_of_verifier()
    pseudonym_key = bytes(range(100, 132))
    mac = hmac.new(pseudonym_key, b"node\n6f0b1c62-9d5c-4f6e-9a43-0f4b6f1f8a11", "sha256").digest()
    subject = "node:" + mac[:16].hex()
    payload = {"time": 1800000000000, "node": "worker-1", "phase": "Trusted", "reasons": []}
    salt = bytes(range(32))
    preimage = cbor([salt, payload])
    protected = cbor({1: -7, 4: sha256(spki)[:8], 15: {1: "log.example.org/avouch", 2: subject},
                      258: -16, 259: "application/vnd.avouch.node-verdict+cbor"})
    digest = sha256(preimage)
    signature = es256(protected, digest)
    statement = head(6, 18) + b"\x84" + cbor(protected) + cbor({}) + cbor(digest) + cbor(signature)
    yield f"verifier-spki = {spki.hex()}"
    yield f"pseudonym-key = {pseudonym_key.hex()}"
    yield f"subject = {subject}"
    yield f"protected = {protected.hex()}"
    yield f"preimage = {preimage.hex()}"
    yield f"statement = {statement.hex()}"
    mac = hmac.new(pseudonym_key, b"pod\nshop\ncart-0", "sha256").digest()
    yield f"pod-subject = pod:{mac[:16].hex()}"
    mac = hmac.new(pseudonym_key, b"policy\nworkers", "sha256").digest()
    yield f"policy-subject = policy:{mac[:16].hex()}"
    mac = hmac.new(pseudonym_key, b"log", "sha256").digest()
    yield f"log-subject = log:{mac[:16].hex()}"


# --- remarks (src/tlog/FORMAT.md) -----------------------------------------------------------------

def remark_lines():
    ours, theirs = "log.example.org/avouch", "log.example.net/other"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    leaves, cache = [b"%d" % i for i in range(13)], {}
    root = mth(leaves, cache, 0, 13)
    text = f"{theirs}\n13\n{base64.b64encode(root).decode()}\n"
    proof = "c2sp.org/tlog-proof@v1\nindex 6\n"
    for node in path(leaves, cache, 6, 0, 13):
        proof += base64.b64encode(node).decode() + "\n"
    proof += "\n" + text + "\n" + signature_line(theirs, key, text)
    abroad = {"origin": theirs, "index": 6, "leafHash": sha256(b"\0" + leaves[6]), "proof": proof}

    def own(index):
        return {"origin": ours, "index": index, "leafHash": sha256(b"leaf %d" % index)}

    said = {"version": 1, "time": 1800000000000, "by": "system:serviceaccount:audit:auditor"}
    material = [{"type": "application/pdf", "digest": sha256(b"report")}]
    payloads = {
        "endorsement": {**said, "refs": [own(7)]},
        "dispute": {**said, "refs": [abroad, own(8)], "text": "PCR 8 is not what the log says: \u00fcber",
                    "material": material},
        "measurement": {**said, "refs": [own(99)],
                        "values": [{"name": "pcr 8", "algorithm": "sha256", "digest": sha256(b"8")},
                                   {"name": "image", "algorithm": "sha512", "digest": bytes(64)}]},
        "supersede": {**said, "refs": [own(20), own(21)], "replacement": own(22)},
        "erasure": {**said, "refs": [own(30)], "text": "asked for by the one whom it names"},
    }
    pseudonym_key = bytes(range(100, 132))
    yield f"origin = {ours.encode().hex()}"
    yield f"pseudonym-key = {pseudonym_key.hex()}"
    for kind, payload in payloads.items():
        first = payload["refs"][0]
        about = f"entry\n{first['origin']}\n{first['index']}".encode()
        mac = hmac.new(pseudonym_key, about, "sha256").digest()
        yield f"{kind} = {cbor(payload).hex()}"
        yield f"{kind}-sub = entry:{mac[:16].hex()}"


# --- statements of other parties -----------------------------------------------------------------

def other_statement(key, algorithm, hash_of, size, extra_claims=None, extra_headers=None, outer=None):
    claims = {1: "https://vendor.example", 2: "firmware/7", **(extra_claims or {})}
    protected = cbor({1: algorithm, 4: b"vendor key 1", 15: claims, 258: -16,
                      259: "application/spdx+json", **(extra_headers or {})})
    digest = sha256(b"what the vendor states")
    signed = cbor(["Signature1", protected, b"", digest])
    r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hash_of)))
    signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return head(6, 18) + b"\x84" + cbor(protected) + cbor(outer or {}) + cbor(digest) + cbor(signature)


def statement_lines():
    p256 = ec.derive_private_key(0xB0B, ec.SECP256R1())
    p384 = ec.derive_private_key(0xB0B384, ec.SECP384R1())
    for name, key in (("p256", p256), ("p384", p384)):
        spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                             serialization.PublicFormat.SubjectPublicKeyInfo)
        yield f"{name}-spki = {spki.hex()}"
    plain = other_statement(p256, -7, hashes.SHA256(), 32)
    yield f"es256 = {plain.hex()}"
    # The same bytes with something in the unprotected header, which nobody signs.
    yield f"es256-with-unprotected = {plain.replace(bytes([0xa0]) + cbor(sha256(b'what the vendor states')), cbor({99: 1}) + cbor(sha256(b'what the vendor states'))).hex()}"
    full = other_statement(p384, -35, hashes.SHA384(), 48, {6: 1800000000},
                           {16: "application/example+cose", 260: "https://vendor.example/m.json"})
    yield f"es384-with-all = {full.hex()}"


# --- signatures of other parties: what cosign 3.1.1 of Debian sent to a Rekor v2 -------------------

COSIGN = (
    ("p256", "SHA2_256",
     '{"hashedRekordRequestV002":{"digest":"Oiaq6fo+Q0uGlc7uKM/JqoJSjvsFWabHKxchmxifR7o=","signature":{"content":'
     '"MEQCICJ3MRNyJtn+T6oZ97DnQSS8LZYX4Z6ZI4QEyi6rzSUkAiAed/6R5bRbs2DlowO/1LBGzO5lquoxFXbqS9oXnEFFSg==",'
     '"verifier":{"publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvdlDJLwLxB2xA+WQr4BTD3ZHXcTotjd31I5Av3kq'
     'H4h5cr4EDUyqVH49MmR2U2jggbc8oYIe15+vegKXJMmByw=="},"keyDetails":"PKIX_ECDSA_P256_SHA_256"}}}}'),
    ("p384", "SHA2_384",
     '{"hashedRekordRequestV002":{"digest":"BFhYXes+cBBNfpucEcHASbcp86udkXohu4HmcIs4/M0OnUIbjny2pFXO+MOrLLh3",'
     '"signature":{"content":"MGYCMQDeHChZ92Xm5ZSIRaAdSw41K9P8NV0uqQjWiAxta2uKn99lK0qa0FFPZFlJsv3oXRwCMQDqoIAGe/eOgdnv'
     'HXZBaPHOEeQ5kJRgZNuuSxn9gHEGaWOHCeVWdLgYCGVUJGQ/bzQ=","verifier":{"publicKey":{"rawBytes":"MHYwEAYHKoZIzj0CAQYF'
     'K4EEACIDYgAERMHYlhJzDMQ1J2oPSEsMig7I0a06NL2XYl1q4xUlX3hKVAotQc0KepBKafUujcuHLmauaaEs4BhJV56oZ8v1KMkSsDoj2768Zohk'
     '3eduGYp9OvQEGoHSzdE2IPfufbeF"},"keyDetails":"PKIX_ECDSA_P384_SHA_384"}}}}'),
)


def rekord_lines():
    origin = "log.example.org"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    yield f"vkey = {vkey(origin, raw)}"
    for name, algorithm, request in COSIGN:
        sent = json.loads(request)["hashedRekordRequestV002"]
        entry = canonical(
            {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
                "data": {"algorithm": algorithm, "digest": sent["digest"]}, "signature": sent["signature"]}}})
        yield f"{name}-request = {request}"
        yield f"{name}-entry = {entry}"
        # The answer of a log that has three entries and takes it as the fourth: stock cosign verifies that of P-256.
        leaves, cache = [b"genesis0", b"genesis1", b"genesis2", entry.encode()], {}
        root = base64_text(mth(leaves, cache, 0, 4))
        text = f"{origin}\n4\n{root}\n"
        answer = {
            "logIndex": "3", "logId": {"keyId": base64_text(sha256(origin.encode() + b"\n\1" + raw))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"}, "integratedTime": "0",
            "inclusionProof": {
                "logIndex": "3", "treeSize": "4", "rootHash": root,
                "hashes": [base64_text(h) for h in path(leaves, cache, 3, 0, 4)],
                "checkpoint": {"envelope": text + "\n" + signature_line(origin, key, text)}},
            "canonicalizedBody": base64_text(entry.encode())}
        yield f"{name}-answer = {canonical(answer)}"


# --- the files engine's own formats (src/tlog/FORMAT.md) -----------------------------------------

RECORDS = [(1000, b"first entry", b"first preimage", "id-1"), (1001, b"\0\xff", b"", ""),
           (1002, b"x" * 300, b"y" * 70, "id-3")]


def journal_lines():
    header = b"avouch-journal1\n" + struct.pack(">Q", 1000) + bytes(range(16))
    header += sha256(header)[:8]
    out = header
    for batch in (RECORDS[:2], RECORDS[2:]):
        body = b"".join(struct.pack(">H", len(e)) + e + struct.pack(">H", len(i)) + i.encode() +
                        struct.pack(">I", len(p)) + p for _, e, p, i in batch)
        place = header + struct.pack(">Q", len(out))
        start = b"AVJB" + struct.pack(">IQI", len(body), batch[0][0], len(batch))
        start += sha256(place + start)[:4]
        out += start + body + sha256(place + start + body)
    yield f"segment = {out.hex()}"
    slots = b"avouch-preimage\n" + struct.pack(">QH", 3, 3)
    for state, preimage, name in ((1, b"first preimage", b"id-1"), (1, b"", b""),
                                  (2, b"", b"erasure/1002")):
        slots += (struct.pack(">BH", state, len(name)) + name +
                  struct.pack(">I", len(preimage)) + preimage)
    yield f"preimages = {(slots + sha256(slots)).hex()}"


# RFC 9942, 5.2 and RFC 9943: the statement with receipts in its unprotected header.
def transparent(statement, leaves, cache, index, issuers):
    size = len(leaves)
    subject = dict(line.strip().split(" = ") for line in open("entry.txt", encoding="utf-8"))["subject"]
    receipts = []
    for issuer in issuers:
        protected = cbor({1: -7, 4: sha256(spki_of_verifier())[:8], 15: {1: issuer, 2: subject}, 395: 1})
        proof = cbor([size, index, path(leaves, cache, index, 0, size)])
        receipts.append(head(6, 18) + b"\x84" + cbor(protected) + cbor({396: {-1: [proof]}}) + b"\xf6" +
                        cbor(es256(protected, mth(leaves, cache, 0, size))))
    empty = 2 + len(cbor(statement_protected(statement)))  # where the unprotected header stands
    assert statement[empty:empty + 1] == b"\xa0"
    return statement[:empty] + cbor({394: receipts}) + statement[empty + 1:]


# The bytes of its protected header: a byte string with a length of one byte.
def statement_protected(statement):
    assert statement[:3] == b"\xd2\x84\x58"
    return statement[4:4 + statement[3]]


# --- a whole log of the files engine: the statement of entry.txt, then 299 numbers ------------------

def write_log(folder):
    with open("entry.txt", encoding="utf-8") as lines:
        entry = dict(line.strip().split(" = ") for line in lines)
    statement, preimage = bytes.fromhex(entry["statement"]), bytes.fromhex(entry["preimage"])
    leaves = [statement] + [struct.pack(">I", i) for i in range(1, 300)]
    cache = {}
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    origin = "log.example.org/avouch"
    text = f"{origin}\n300\n{base64.b64encode(mth(leaves, cache, 0, 300)).decode()}\n"
    note = text + "\n" + signature_line(origin, key, text)
    files = {"format": b"avouch-log-files 1\n", "log.vkey": (vkey(origin, raw) + "\n").encode(),
             "public/checkpoint": note.encode(),
             "public/tile/1/000.p/1": mth(leaves, cache, 0, 256)}
    for n, name in ((0, "000"), (1, "001.p/44")):
        group = range(256 * n, min(256 * (n + 1), 300))
        files[f"public/tile/0/{name}"] = b"".join(sha256(b"\0" + leaves[i]) for i in group)
        files[f"public/tile/entries/{name}"] = b"".join(
            struct.pack(">H", len(leaves[i])) + leaves[i] for i in group)
        slots = b"avouch-preimage\n" + struct.pack(">QH", n, len(group))
        for i in group:
            content = preimage if i == 0 else b""
            slots += struct.pack(">BHI", 1, 0, len(content)) + content
        files[f"private/preimages/{n:03}"] = slots + sha256(slots)
    # Of entry 0, to be checked without the log; one is cosigned.
    hashes_of_path = "".join(base64.b64encode(h).decode() + "\n"
                             for h in path(leaves, cache, 0, 0, 300))
    proof = (f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(statement).decode()}\nindex 0\n"
             f"{hashes_of_path}\n{note}")
    witness = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    raw = witness.public_key().public_bytes(serialization.Encoding.Raw,
                                            serialization.PublicFormat.Raw)
    signed = f"cosignature/v1\ntime 1800000000\n{text}".encode()
    blob = key_id("witness.example", b"\4" + raw) + struct.pack(">Q", 1800000000)
    blob += witness.sign(signed)
    line = f"\u2014 witness.example {base64.b64encode(blob).decode()}\n"
    policy = f"witness one {vkey('witness.example', raw, 4)}\nquorum one\n"
    files["../proofs/0.tlog-proof"] = proof.encode()
    files["../proofs/0-cosigned.tlog-proof"] = (proof + line).encode()
    files["../proofs/0.preimage"] = preimage
    # Two trees of 100 and 300 entries that begin alike but for the first, by one key.
    forked = [b"another"] + leaves[1:]
    other = f"{origin}\n300\n{base64.b64encode(mth(forked, {}, 0, 300)).decode()}\n"
    first = f"{origin}\n100\n{base64.b64encode(mth(leaves, {}, 0, 100)).decode()}\n"
    notes = [t + "\n" + signature_line(origin, key, t) for t in (first, other)]
    lines = ["avouch.dev/log-misbehaviour@v1"]
    lines += [f"{w} {base64.b64encode(n.encode()).decode()}" for w, n in zip(("older", "newer"), notes)]
    lines += ["prefix " + base64.b64encode(mth(forked, {}, 0, 100)).decode()]
    lines += ["proof " + base64.b64encode(h).decode() for h in subproof(forked, {}, 100, 0, 300, True)]
    files["../proofs/fork.misbehaviour"] = ("\n".join(lines) + "\n").encode()
    files["../proofs/0.cose"] = transparent(statement, leaves, cache, 0, [origin])
    files["../proofs/0-two.cose"] = transparent(statement, leaves, cache, 0, ["other.example", origin])
    files["../proofs/0-other.cose"] = transparent(statement, leaves, cache, 0, ["other.example"])
    files["../proofs/log-policy"] = policy.encode()
    spki = serialization.load_der_public_key(bytes.fromhex(entry["verifier-spki"]))
    files["../proofs/verifier.pem"] = spki.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for name, content in files.items():
        path_of = pathlib.Path(folder) / name
        path_of.parent.mkdir(parents=True, exist_ok=True)
        path_of.write_bytes(content)


# --- exports of a log of four entries: src/tlog/FORMAT.md, 'In-toto statement' ----------------

NODE_UID, POD_UID = "6f0b1c62-9d5c-4f6e-9a43-0f4b6f1f8a11", "0d1f6a9e-5f0e-4a53-9d5e-1f2b3c4d5e6f"


def own_entry(kind, subject, payload, salt):
    preimage = cbor([salt, payload])
    protected = cbor({1: -7, 4: sha256(spki_of_verifier())[:8], 15: {1: "log.example.org/avouch", 2: subject},
                      258: -16, 259: f"application/vnd.avouch.{kind}+cbor"})
    digest = sha256(preimage)
    signature = es256(protected, digest)
    return head(6, 18) + b"\x84" + cbor(protected) + cbor({}) + cbor(digest) + cbor(signature), preimage


def in_json(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [in_json(each) for each in value]
    return {k: in_json(v) for k, v in value.items()} if isinstance(value, dict) else value


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def base64_text(data):
    return base64.b64encode(data).decode()


def in_toto(subjects, predicate, key):
    payload = canonical({"_type": "https://in-toto.io/Statement/v1", "predicate": predicate,
                         "predicateType": "https://avouch.dev/in-toto/verdict/v1",
                         "subject": [{"name": n, "digest": {"sha256": d.hex()}} for n, d in subjects]}).encode()
    kind = "application/vnd.in-toto+json"
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
    return canonical({"payload": base64_text(payload), "payloadType": kind,
                      "signatures": [{"keyid": sha256(spki).hex(), "sig": base64_text(signature)}]}) + "\n"


def write_exports(folder):
    node = {"time": 1800000000000, "node": "worker-1", "nodeUID": NODE_UID, "phase": "Trusted",
            "previousPhase": "Pending", "reasons": [],
            "evidence": {"pcrs": sha256(b"pcrs"), "quote": sha256(b"quote")}}
    pod = {"time": 1800000060123, "id": "review-1", "decision": "deny", "operation": "pods", "namespace": "shop",
           "pod": "web-0", "podUID": POD_UID, "podSpecDigest": sha256(b"spec"), "node": "worker-2",
           "reasons": [{"code": "Contraindicated", "policy": "production", "message": "PCR 8 \u2260 \"x\"\n"}],
           "late": False}
    epoch = {"time": 1800000120000, "random": bytes(32), "renewals": {"root": sha256(b""), "count": 0}}
    made = [own_entry("node-verdict", "node:" + "11" * 16, node, bytes(range(32))),
            own_entry("admission-verdict", "pod:" + "22" * 16, pod, bytes(range(32, 64))),
            own_entry("epoch", "log:" + "33" * 16, epoch, bytes(range(64, 96)))]
    p384 = ec.derive_private_key(0xB0B384, ec.SECP384R1())
    leaves = [entry for entry, _ in made] + [other_statement(p384, -35, hashes.SHA384(), 48)]
    cache, size = {}, len(leaves)
    root = mth(leaves, cache, 0, size)
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    origin = "log.example.org/avouch"
    text = f"{origin}\n{size}\n{base64_text(root)}\n"
    note = text + "\n" + signature_line(origin, key, text)
    signer = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([77]) * 32)
    files = {"log/checkpoint": note.encode(),
             f"log/tile/0/000.p/{size}": b"".join(sha256(b"\0" + leaf) for leaf in leaves),
             f"log/tile/entries/000.p/{size}": b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves),
             "signer-key.pem": signer.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()),
             "signer.pem": signer.public_key().public_bytes(
                 serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)}
    subjects = ([("node/worker-1", sha256(b"node\n" + NODE_UID.encode()))],
                [("pod/shop/web-0", sha256(b"pod\n" + POD_UID.encode())), ("podspec/shop/web-0", sha256(b"spec"))])
    for index, (kind, said, time, outcome) in enumerate((
            ("node-verdict", node, "2027-01-15T08:00:00Z", "Trusted"),
            ("admission-verdict", pod, "2027-01-15T08:01:00Z", "deny"))):
        proof = f"c2sp.org/tlog-proof@v1\nextra {base64_text(leaves[index])}\nindex {index}\n"
        proof += "".join(base64_text(h) + "\n" for h in path(leaves, cache, index, 0, size)) + "\n" + note
        predicate = {"origin": origin, "index": index, "kind": kind, "time": time, "outcome": outcome,
                     "content": in_json(said), "preimage": base64_text(made[index][1]), "proof": proof}
        files[f"{index}.in-toto.json"] = in_toto(subjects[index], predicate, signer).encode()
    for index, kind in enumerate(("node-verdict", "admission-verdict", "epoch")):
        files[f"{index}.listed.json"] = canonical(
            {"index": index, "kind": kind, "statement": base64_text(made[index][0]),
             "preimage": base64_text(made[index][1])}).encode()
    files["3.listed.json"] = canonical(
        {"index": 3, "kind": "application/spdx+json", "statement": base64_text(leaves[3]),
         "withheld": "a statement of another party: its content is theirs"}).encode()
    for name, content in files.items():
        path_of = pathlib.Path(folder) / name
        path_of.parent.mkdir(parents=True, exist_ok=True)
        path_of.write_bytes(content)


def main():
    if sys.argv[1:] == ["exports"]:
        return write_exports("exports")
    for name, lines in (("tree.txt", tree_lines()), ("note.txt", note_lines()),
                        ("cosignature.txt", cosignature_lines()),
                        ("entry.txt", entry_lines()), ("statements.txt", statement_lines()),
                        ("rekords.txt", rekord_lines()),
                        ("remarks.txt", remark_lines()),
                        ("files.txt", journal_lines())):
        with open(name, "w", encoding="utf-8") as out:
            for line in lines:
                out.write(line + "\n")
    write_log("log")
    write_exports("exports")


if __name__ == "__main__":
    main()
