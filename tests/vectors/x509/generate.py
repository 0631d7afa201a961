#!/usr/bin/env python3
"""Writes paths.pem: certificates for path validation, sound and unsound, made without OpenSSL."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "crypto"))
import plain  # noqa: E402
from plain import bits, integer, octets, oid, sequence, tlv  # noqa: E402

EC_PUBLIC_KEY, P256 = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")
ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2"}
RSA_ENCRYPTION, RSAES_OAEP = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.7"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
TRUE = b"\x01\x01\xff"
CERT_SIGN, ENCIPHER = b"\x04", b"\x20"


def name(text):
    if not text:
        return sequence()
    return sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0C, text.encode()))))


def extension(number, value, critical=True):
    return sequence(oid(number), TRUE if critical else b"", octets(value))


def basic(path_length=None, ca=True):
    length = integer(path_length) if path_length is not None else b""
    return extension("2.5.29.19", sequence(TRUE if ca else b"", length))


def usage(value):
    unused = (value[0] & -value[0]).bit_length() - 1
    return extension("2.5.29.15", bits(value, unused))


CA = [basic(), usage(CERT_SIGN)]
LEAF = [basic(ca=False), usage(ENCIPHER)]
UNKNOWN = extension("1.3.6.1.4.1.99999.1", b"\x05\x00")
UNKNOWN_HARMLESS = extension("1.3.6.1.4.1.99999.1", b"\x05\x00", critical=False)
NAME_CONSTRAINTS = extension(
    "2.5.29.30", sequence(tlv(0xA0, sequence(tlv(0x82, b"example.com")))), critical=False)
POLICIES = extension("2.5.29.32", sequence(sequence(oid("2.23.133.1.1"))))
TPM_NAME = extension("2.5.29.17", sequence(tlv(0xA4, sequence(
    tlv(0x31, sequence(oid("2.23.133.2.1"), tlv(0x0C, b"id:41564F55")))))))
EK_USAGE = extension("2.5.29.37", sequence(oid("2.23.133.8.1")), critical=False)


def spki(key, algorithm=RSA_ENCRYPTION, parameters=b"\x05\x00"):
    if isinstance(key, plain.Rsa):
        return sequence(sequence(oid(algorithm), parameters),
                        bits(sequence(integer(key.n), integer(key.e))))
    point = b"\x04" + plain.to_bytes(key.point[0], 32) + plain.to_bytes(key.point[1], 32)
    return sequence(sequence(EC_PUBLIC_KEY, P256), bits(point))


def time(text):
    return tlv(0x18 if len(text) == 15 else 0x17, text.encode())


class Book:
    """Keys by name, and the certificates in the order in which they were made."""

    def __init__(self):
        self.keys = {}
        self.out = []
        self.serial = 0

    def key(self, label):
        return self.keys.setdefault(label, plain.Ec())

    def add(self, label, subject, issuer, extensions, key=None, signer=None, since="260101000000Z",
            until="99991231235959Z", hash_name="sha256", info=None):
        """The certificate `label`: key and signer default to the names of subject and issuer."""
        self.serial += 1
        signing = self.key(signer or issuer)
        is_rsa = isinstance(signing, plain.Rsa)
        algorithm = (sequence(oid(SHA256_WITH_RSA), b"\x05\x00") if is_rsa
                     else sequence(oid(ECDSA[hash_name])))
        body = sequence(
            tlv(0xA0, integer(2)), integer(self.serial), algorithm, name(issuer),
            sequence(time(since), time(until)), name(subject),
            info or spki(self.key(key or subject)), tlv(0xA3, sequence(*extensions)))
        if is_rsa:
            signature = plain.pkcs1_sign(signing, "sha256", body)
        else:
            r, s = signing.sign(hash_name, body)
            signature = sequence(integer(r), integer(s))
        self.out.append((label, sequence(body, algorithm, bits(signature))))


def main():
    book = Book()
    book.keys["weak"] = plain.Rsa(1024)
    book.keys["oaep"] = plain.Rsa(2048)
    add = book.add

    add("root", "root", "root", CA)
    add("root-twin", "root", "root", CA, key="root-twin", signer="root-twin")
    add("root-without-usage", "root", "root", [basic()])
    add("root-without-basic", "root", "root", [usage(CERT_SIGN)])
    add("root-expired", "root", "root", CA, until="270101000000Z")

    add("middle", "middle", "root", CA)
    add("middle-expired", "middle", "root", CA, until="270101000000Z")
    add("middle-of-twin", "middle", "root", CA, signer="root-twin")
    add("middle-without-usage", "middle", "root", [basic()])
    add("middle-not-ca", "middle", "root", [basic(ca=False), usage(CERT_SIGN)])
    add("middle-without-basic", "middle", "root", [usage(CERT_SIGN)])
    add("middle-may-not-sign", "middle", "root", [basic(), usage(ENCIPHER)])
    add("middle-unknown-critical", "middle", "root", CA + [UNKNOWN])
    add("middle-name-constraints", "middle", "root", CA + [NAME_CONSTRAINTS])
    add("middle-length-0", "middle", "root", [basic(0), usage(CERT_SIGN)])
    add("middle-length-1", "middle", "root", [basic(1), usage(CERT_SIGN)])
    add("middle-usage-twice", "middle", "root", CA + [usage(CERT_SIGN)])
    add("middle-sha1", "middle", "root", CA, hash_name="sha1")
    add("weak", "weak", "root", CA)
    add("lower", "lower", "middle", CA)
    add("middle-rolled", "middle", "middle", CA, key="middle-new")  # self-issued, new key by old

    add("leaf", "leaf", "middle", LEAF)
    add("leaf-of-new-key", "leaf", "middle", LEAF, signer="middle-new")
    add("leaf-of-root", "leaf", "root", LEAF)
    add("leaf-of-lower", "leaf", "lower", LEAF)
    add("leaf-of-weak", "leaf", "weak", LEAF)
    add("leaf-of-nobody", "leaf", "nobody", LEAF)
    add("leaf-until-2027", "leaf", "root", LEAF, since="260301120000Z", until="270301120000Z")
    add("leaf-unknown-critical", "leaf", "root", LEAF + [UNKNOWN])
    add("leaf-unknown-harmless", "leaf", "root", LEAF + [UNKNOWN_HARMLESS])
    add("leaf-sha1", "leaf", "root", LEAF, hash_name="sha1")
    add("leaf-tpm", "", "root", LEAF + [TPM_NAME, EK_USAGE, POLICIES])
    add("leaf-oaep", "leaf", "root", LEAF,
        info=spki(book.keys["oaep"], RSAES_OAEP, sequence()))
    add("leaf-self-signed", "leaf", "leaf", LEAF)

    add("circle-a", "a", "b", CA)
    add("circle-b", "b", "a", CA)
    add("leaf-of-circle", "leaf", "a", LEAF)

    above = "root"
    for i in range(1, 8):
        add("chain-%d" % i, "chain-%d" % i, above, CA)
        above = "chain-%d" % i
        add("leaf-of-chain-%d" % i, "leaf", above, LEAF)

    with open(os.path.join(HERE, "paths.pem"), "w", encoding="ascii") as out:
        out.write("# Made by generate.py; the word after # names the certificate below it.\n")
        for label, der in book.out:
            out.write("\n# " + label + "\n" + plain.pem("CERTIFICATE", der))


if __name__ == "__main__":
    main()
