#!/usr/bin/env python3
"""Writes rsa.txt: RSA keys and signatures, sound and unsound, made without OpenSSL."""

import hashlib
import os

import plain

MESSAGE = b"a node that can vouch for itself"


def roca_modulus(bits):
    """As the flawed generator makes it: primes k * M + (65537^a mod M), M a product of primes."""
    product = 1
    for p in range(2, 702):
        if plain.is_prime(p):
            product *= p
    def prime():
        spare = bits // 2 - product.bit_length()
        while True:
            k = plain.SEED.getrandbits(spare)
            p = k * product + pow(65537, plain.SEED.getrandbits(64), product)
            if p.bit_length() == bits // 2 and p >> (bits // 2 - 2) == 3 and plain.is_prime(p):
                return p
    return prime() * prime()


def main():
    lines = ["# Made by generate.py; every value in hexadecimal.", "message = " + MESSAGE.hex()]

    def put(name, value):
        lines.append(name + " = " + (value if isinstance(value, bytes) else plain.to_bytes(value)).hex())

    for bits in (2048, 3072, 4096):
        key = plain.Rsa(bits)
        put("rsa%d.modulus" % bits, key.n)
        for name in ("sha256", "sha384", "sha512"):
            put("rsa%d.pkcs1.%s" % (bits, name), plain.pkcs1_sign(key, name, MESSAGE))
            size = hashlib.new(name).digest_size
            put("rsa%d.pss.%s" % (bits, name), plain.pss_sign(key, name, MESSAGE, size))
        if bits != 2048:
            continue
        digest = hashlib.sha256(MESSAGE).digest()
        info = plain.DIGEST_INFO["sha256"] + digest
        sound = plain.pkcs1_sign(key, "sha256", MESSAGE)
        wrong = {
            "pkcs1.sha1": plain.pkcs1_sign(key, "sha1", MESSAGE),
            "pkcs1.garbage-after-digest":
                key.raw(b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + bytes(key.size - 11 - len(info))),
            "pkcs1.short-padding":
                key.raw(b"\x00\x01" + b"\xff" * 8 + b"\x00" + bytes(key.size - 11 - len(info)) + info),
            "pkcs1.block-type-2": key.raw(b"\x00\x02" + plain.pkcs1_block(key.size, info)[2:]),
            "pkcs1.digest-alone": key.raw(plain.pkcs1_block(key.size, digest)),
            "pkcs1.sha384-info-on-sha256":
                key.raw(plain.pkcs1_block(key.size, plain.DIGEST_INFO["sha384"] + digest)),
            "pkcs1.plus-modulus": plain.to_bytes(int.from_bytes(sound, "big") + key.n),
            "pkcs1.leading-zero": b"\x00" + sound,
            "pkcs1.zero": bytes(key.size),
            "pkcs1.one": plain.to_bytes(1, key.size),
            "pkcs1.modulus": plain.to_bytes(key.n),
            "pss.no-salt": plain.pss_sign(key, "sha256", MESSAGE, 0),
            "pss.short-salt": plain.pss_sign(key, "sha256", MESSAGE, 20),
            "pss.long-salt": plain.pss_sign(key, "sha256", MESSAGE, 33),
            "pss.longest-salt": plain.pss_sign(key, "sha256", MESSAGE, 222),
            "pss.mgf1-sha384": plain.pss_sign(key, "sha256", MESSAGE, 32, "sha384"),
        }
        for name, value in wrong.items():
            put("rsa2048.wrong." + name, value)

    put("rsa1024.modulus", plain.Rsa(1024).n)
    put("rsa2056.modulus", plain.Rsa(2056).n)
    for bits in (2048, 3072, 4096):
        put("roca%d.modulus" % bits, roca_modulus(bits))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rsa.txt")
    with open(path, "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
