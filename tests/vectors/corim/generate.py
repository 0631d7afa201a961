#!/usr/bin/env python3
"""Writes the CoRIMs of this folder, the same ones each time."""

import hashlib
import os
import pathlib
import sys

HERE = pathlib.Path(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, str(HERE.parent / "crypto"))
import plain  # noqa: E402


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << (8 * size):
            return bytes([major << 5 | extra]) + n.to_bytes(size, "big")
    raise ValueError(n)


def cbor(x):
    if isinstance(x, int):
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, bytes):
        return head(2, len(x)) + x
    if isinstance(x, str):
        return head(3, len(x.encode())) + x.encode()
    if isinstance(x, list):
        return head(4, len(x)) + b"".join(map(cbor, x))
    if isinstance(x, dict):
        return head(5, len(x)) + b"".join(sorted(cbor(k) + cbor(v) for k, v in x.items()))
    return head(6, x.number) + cbor(x.value)


def sha(name, what):
    return hashlib.new(name, what.encode()).digest()


def mval(*digests, **more):
    return {2: list(map(list, digests)), **{int(k[1:]): v for k, v in more.items()}}


def measurement(key, value):
    return {1: value} if key is None else {0: key, 1: value}


def triple(measurements, environment=None):
    return [{0: {1: "ACME", 2: "RoadRunner"}} if environment is None else environment, measurements]


def comid(triples, **more):
    return Tag(506, cbor({1: {0: "acme.example/firmware"}, 4: triples, **{int(k[1:]): v for k, v in more.items()}}))


def corim(tags, **more):
    return cbor(Tag(501, {0: "acme.example/corim", 1: tags, **{int(k[1:]): v for k, v in more.items()}}))


def of(*triples, **more):
    return corim([comid({0: list(triples)})], **more)


BOOT = measurement("bootx64.efi", mval((1, sha("sha256", "boot"))))

# Named as the rule that they are for.
GOOD = {
    "one": of(triple([BOOT])),
    # As in drafts up to 03, and PSA's key of a measurement.
    "psa-single": of(triple(measurement(Tag(601, {1: "BL", 4: "2.1.0", 5: sha("sha256", "signer")}),
                                        mval((1, sha("sha256", "boot")))), {0: {0: Tag(600, bytes(32)), 1: "ACME"}})),
    "algorithms": of(triple([
        measurement("a", mval((1, sha("sha256", "a")), (7, sha("sha384", "a")), (8, sha("sha512", "a")))),
        measurement(7, mval((-16, sha("sha256", "b")), (-43, sha("sha384", "b")), (-44, sha("sha512", "b")))),
        measurement(Tag(37, bytes(range(16))), mval(("sha-256", sha("sha256", "c")), **{"_11": "named"})),
        measurement(None, mval((1, sha("sha256", "d")), **{"_0": {0: "1.2.3"}})),
    ])),
    "two-comids": corim([comid({0: [triple([BOOT])]}),
                         comid({3: [[{0: {1: "ACME"}}, [Tag(554, "pem")]]]}),
                         comid({0: [triple([measurement("grub", mval((1, sha("sha256", "grub"))))])]})]),
    "validity": of(triple([BOOT]), _4={0: Tag(1, 1_700_000_000), 1: Tag(1, 1_900_000_000)},
                   _3=Tag(32, "https://acme.example/profile"), _5=[{0: "ACME", 2: [1]}]),
    # As the draft's own examples: a security version and the signer's key beside the digest, endorsed values (plain and
    # conditional) beside reference values, measurements without a name, an identifier in bytes.
    "beside": cbor(Tag(501, {0: bytes(range(16)), 1: [comid({
        0: [triple([measurement(None, mval((7, sha("sha384", "boot")), _1=Tag(552, 1)))],
                   {0: {1: "ACME", 2: "layer 0", 3: 0, 4: 0}}),
            triple([measurement("psa.software-component", mval(("sha-256", sha("sha256", "PRoT")), _11="PRoT",
                                                               _13=[Tag(560, sha("sha256", "signer"))]))],
                   {0: {0: Tag(560, bytes(32))}})],
        1: [triple([measurement(None, {4: Tag(560, bytes(8)), 5: bytes(8)})])], 8: [[1, 2]], 10: [[1, 2]]})]})),
}


def bad_tag(tag):
    return corim([tag])


BAD = {
    "empty": (b"", "offset 0"),
    "trailing": (of(triple([BOOT])) + b"\0", "offset"),
    "indefinite-length": (b"\xd9\x01\xf5\xbf\xff", "offset"),
    "unsorted": (b"\xd9\x01\xf5\xa2\x01\x80\x00\x61a", "offset"),
    "untagged": (cbor({0: "x", 1: []}), "expected CBOR tag 501"),
    "draft-03-tag": (cbor(Tag(500, Tag(501, {}))), "expected CBOR tag 501"),
    "no-tags": (cbor(Tag(501, {0: "x"})), "corim.tags: expected an array"),
    "empty-tags": (corim([]), "corim.tags: expected an array"),
    "unknown-member": (of(triple([BOOT]), _9=1), "corim: member 9 is not taken"),
    "text-member": (cbor(Tag(501, {0: "x", "more": 1})), "corim: member more is not taken"),
    "coswid": (bad_tag(Tag(505, cbor({}))), "corim.tags[0]: a CoSWID"),
    "cotl": (bad_tag(Tag(508, cbor({}))), "corim.tags[0]: expected tag 506"),
    "comid-not-bytes": (bad_tag(Tag(506, {})), "corim.tags[0]: expected tag 506"),
    "comid-malformed": (bad_tag(Tag(506, b"\xa1")), "corim.tags[0]: CBOR offset"),
    "linked": (corim([comid({0: [triple([BOOT])]}, _3=[{0: "x", 1: 1}])]), "linked-tags"),
    "no-triples": (bad_tag(Tag(506, cbor({1: {0: "x"}}))), "triples: is required"),
    "only-endorsed": (corim([comid({1: [triple([BOOT])]})]), "no reference value"),
    "dependency": (corim([comid({0: [triple([BOOT])], 4: []})]), "triples: member 4 is not taken"),
    "only-keys": (corim([comid({3: [[{0: {}}, [Tag(554, "pem")]]]})]), "no reference value"),
    "triple-of-three": (of([{}, [BOOT], 1]), "reference-triples[0]: expected an environment"),
    "instance": (of(triple([BOOT], {0: {1: "ACME"}, 1: Tag(560, b"x")})), "instance or group"),
    "no-measurements": (of(triple([])), "measurements: expected an array"),
    "no-mval": (of(triple([{0: "x"}])), "measurements[0].mval: is required"),
    "authorized-by": (of(triple([{**BOOT, 2: [Tag(554, "pem")]}])), "measurements[0]: member 2 is not taken"),
    "svn-alone": (of(triple([BOOT, measurement("x", {1: Tag(553, 2)})])), "measurements[1].mval.digests: expected an array"),
    "flags": (of(triple([measurement("x", mval((1, sha("sha256", "x")), **{"_3": {3: True}}))])), "mval: member 3 is not taken"),
    "raw-value": (of(triple([measurement("x", {4: Tag(560, b"x")})])), "mval: member 4 is not taken"),
    "registers": (of(triple([measurement("x", {14: {0: [[1, bytes(32)]]}})])), "pcrs.exact"),
    "no-digests": (of(triple([measurement("x", {11: "n"})])), "mval.digests: expected an array"),
    "sha-1": (of(triple([measurement("x", mval(("sha-1", bytes(20))))])), "digests[0]: algorithm sha-1"),
    "truncated-algorithm": (of(triple([measurement("x", mval((6, bytes(4))))])), "digests[0]: algorithm 6"),
    "short-digest": (of(triple([measurement("x", mval((1, bytes(31))))])), "digests[0]: "),
    "digest-text": (of(triple([measurement("x", mval((1, "00" * 32)))])), "digests[0]: expected an algorithm"),
    "validity-text": (of(triple([BOOT]), _4={1: Tag(0, "2026-01-01T00:00:00Z")}), "rim-validity: member 1"),
    "validity-negative": (of(triple([BOOT]), _4={0: Tag(1, -1)}), "rim-validity: member 0"),
}


def signed(key, payload, content_type="application/rim+cbor", alg=-7, validity=None, claims=None):
    meta = {0: {0: "ACME"}}
    if validity:
        meta[1] = validity
    about = {8: cbor(meta)} if claims is None else {15: claims}
    protected = cbor({1: alg, 3: content_type, **about})
    message = cbor(["Signature1", protected, b"", payload])
    r, s = key.sign("sha256", message)
    return cbor(Tag(18, [protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def main():
    for name, data in GOOD.items():
        (HERE / f"good-{name}.cbor").write_bytes(data)
    key = plain.Ec()
    x, y = key.point
    # SubjectPublicKeyInfo of a P-256 key.
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\4" + \
        x.to_bytes(32, "big") + y.to_bytes(32, "big")
    (HERE / "key.pem").write_text(plain.pem("PUBLIC KEY", spki))
    narrow = {0: Tag(1, 1_750_000_000), 1: Tag(1, 1_800_000_000)}
    good = GOOD["validity"]
    (HERE / "good-signed.cbor").write_bytes(signed(key, good, validity=narrow))
    claims = {1: "ACME", 2: "Widget", 4: 1_800_000_000, 5: 1_750_000_000}
    (HERE / "good-signed-claims.cbor").write_bytes(signed(key, good, claims=claims))
    bad = dict(BAD)
    bad["signed-claims-text"] = (signed(key, good, claims={4: "soon"}), "signed corim.cwt-claims: member 4")
    bad["signed-claims-list"] = (signed(key, good, claims=[]), "signed corim.cwt-claims: expected a map")
    bad["signed-other-type"] = (signed(key, good, content_type="application/cbor"), "content type")
    bad["signed-es384"] = (signed(key, good, alg=-35), "signed corim: ")
    bad["signed-empty"] = (signed(key, b""), "offset 0")
    bad["draft-03-signed"] = (cbor(Tag(502, Tag(18, []))), "expected CBOR tag 501")
    lines = []
    for name, (data, words) in bad.items():
        (HERE / f"bad-{name}.cbor").write_bytes(data)
        lines.append(f"{name} {words}\n")
    (HERE / "bad.txt").write_text("".join(lines))


main()
