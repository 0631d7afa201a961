"""RSA, ECDSA on P-256 and DER in plain integer arithmetic: a second opinion on OpenSSL.

For test vectors only: slow, not constant-time, and every "random" number comes from a fixed seed.
"""

import base64
import hashlib
import random

SEED = random.Random(20261121)


# --- numbers -------------------------------------------------------------------------------------

def is_prime(n, rounds=24):
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        if n % p == 0:
            return n == p
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(rounds):
        x = pow(SEED.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def to_bytes(n, size=None):
    return n.to_bytes(size if size is not None else max(1, (n.bit_length() + 7) // 8), "big")


# --- RSA (RFC 8017) ------------------------------------------------------------------------------

class Rsa:
    def __init__(self, bits, e=65537):
        while True:
            p, q = self._prime(bits // 2, e), self._prime(bits // 2, e)
            if p != q and (p * q).bit_length() == bits:
                break
        self.n, self.e, self.size = p * q, e, bits // 8
        self.d = pow(e, -1, (p - 1) * (q - 1))

    @staticmethod
    def _prime(bits, e):
        while True:
            p = SEED.getrandbits(bits) | 3 << (bits - 2) | 1
            if (p - 1) % e and is_prime(p):
                return p

    def raw(self, block):
        return to_bytes(pow(int.from_bytes(block, "big"), self.d, self.n), self.size)


DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def pkcs1_block(size, info):
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def pkcs1_sign(key, hash_name, message):
    digest = hashlib.new(hash_name, message).digest()
    return key.raw(pkcs1_block(key.size, DIGEST_INFO[hash_name] + digest))


def mgf1(hash_name, seed, size):
    out = b""
    counter = 0
    while len(out) < size:
        out += hashlib.new(hash_name, seed + to_bytes(counter, 4)).digest()
        counter += 1
    return out[:size]


def pss_sign(key, hash_name, message, salt_size, mgf_hash=None):
    salt = SEED.randbytes(salt_size)
    digest = hashlib.new(hash_name, message).digest()
    inner = hashlib.new(hash_name, bytes(8) + digest + salt).digest()
    db = bytes(key.size - len(inner) - salt_size - 2) + b"\x01" + salt
    mask = mgf1(mgf_hash or hash_name, inner, len(db))
    masked = bytearray(a ^ b for a, b in zip(db, mask))
    masked[0] &= 0x7F
    return key.raw(bytes(masked) + inner + b"\xbc")


# --- ECDSA on P-256 ------------------------------------------------------------------------------

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def ec_add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def ec_multiply(k, point):
    out = None
    while k:
        if k & 1:
            out = ec_add(out, point)
        point = ec_add(point, point)
        k >>= 1
    return out


class Ec:
    def __init__(self):
        self.d = SEED.randrange(1, N)
        self.point = ec_multiply(self.d, G)

    def sign(self, hash_name, message):
        z = int.from_bytes(hashlib.new(hash_name, message).digest()[:32], "big")
        while True:
            k = SEED.randrange(1, N)
            r = ec_multiply(k, G)[0] % N
            s = pow(k, -1, N) * (z + r * self.d) % N
            if r and s:
                return r, s


# --- DER -----------------------------------------------------------------------------------------

def tlv(tag, *parts):
    value = b"".join(parts)
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    size = to_bytes(len(value))
    return bytes([tag, 0x80 | len(size)]) + size + value


def sequence(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(2, to_bytes(n, n.bit_length() // 8 + 1))


def oid(text):
    arcs = [int(arc) for arc in text.split(".")]
    out = b""
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return tlv(6, out)


def bits(value, unused=0):
    return tlv(3, bytes([unused]), value)


def octets(value):
    return tlv(4, value)


def pem(label, der):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, "\n".join(lines), label)
