"""Makes an Ed25519 key for signed notes, in the form that Go's sumdb/note reads: NAME PRIVATE_FILE VKEY_FILE."""

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

ED25519 = b"\x01"


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout


def main() -> None:
    name, private_file, vkey_file = sys.argv[1:]
    private = openssl("genpkey", "-algorithm", "ed25519", "-outform", "DER")
    public = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", given=private)
    seed, key = private[-32:], public[-32:]  # RFC 8410: both end in the raw key
    key_id = hashlib.sha256(name.encode() + b"\n" + ED25519 + key).digest()[:4].hex()

    def text(raw: bytes) -> str:
        return f"{name}+{key_id}+{base64.b64encode(ED25519 + raw).decode()}"

    Path(private_file).write_text("PRIVATE+KEY+" + text(seed))
    Path(vkey_file).write_text(text(key))


main()
