"""Replays litewitness' test inputs against avouch-log witness. Usage: litewitness.py PROGRAM SOURCE_TREE

Of each testdata/*.txt: the sigsum keys that it registers become a policy, and its add-checkpoint.hurl files are sent in the order in which
they are executed, each with the status that is expected there. Of witness_test.go: the three requests of the rollback race. What
needs another kind of key is named and left out."""

import base64
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

REQUEST = re.compile(r"^POST (\S+)\n```\n(.*?)\n?```\n+HTTP (\d+)", re.DOTALL | re.MULTILINE)


def vkey(raw):
    name = "sigsum.org/v1/tree/" + hashlib.sha256(raw).hexdigest()
    typed = b"\x01" + raw
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}"


class Witness:
    """The program on a state of its own."""

    def __init__(self, program, keys):
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        (path / "policy").write_text("".join(f"log {key}\n" for key in keys) + "quorum none\n", encoding="utf-8")
        (path / "config").write_text(
            f'name: example.com/witness\nlisten: "127.0.0.1:0"\nhealth: "127.0.0.1:0"\nkey: {path}/key\nstateDir: {path}/state\n'
            f"policy: {path}/policy\n", encoding="utf-8")
        command = [program, "witness"]
        subprocess.run([*command, "keygen", "--config", path / "config"], check=True, capture_output=True)
        with open(path / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*command, "--config", path / "config"], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            found = re.search(r'address="([^"]+)"', (path / "log").read_text(encoding="utf-8"))
            if found:
                break
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((path / "log").read_text(encoding="utf-8"))
            time.sleep(0.05)
        self.url = f"http://{found[1]}/add-checkpoint"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def add(self, body):
        request = urllib.request.Request(self.url, data=body.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


def sections(text):
    """The script of a txtar archive, and its files."""
    parts = re.split(r"^-- (.+?) --\n", text, flags=re.MULTILINE)
    return parts[0], dict(zip(parts[1::2], parts[2::2]))


def replay_script(program, file):
    """Yields (what, expected, got, body)."""
    script, files = sections(file.read_text(encoding="utf-8"))
    keys = [vkey(bytes.fromhex(key)) for key in re.findall(r"add-sigsum-log -key=([0-9a-f]{64})", script)]
    names = [name for line in script.splitlines() if not line.startswith(("!", "#"))
             for name in re.findall(r"\bhurl\b.* (\S+\.hurl)\b", line)]
    # A log of which no checkpoint is sent may have a key that is none.
    bodies = "".join(body for name in names for _, body, _ in REQUEST.findall(files.get(name, "")))
    keys = [key for key in keys if key.split("+")[0] in bodies]
    if not keys:
        return
    with Witness(program, keys) as witness:
        for name in names:
            for number, (target, body, expected) in enumerate(REQUEST.findall(files.get(name, "")), 1):
                if target.endswith("/add-checkpoint"):
                    status, answer = witness.add(body + "\n")
                    yield f"{file.name} {name} request {number}", int(expected), status, answer


def replay_race(program, file):
    """A request from 1 to 3 that comes after another from 1 to 5 must not win."""
    text = file.read_text(encoding="utf-8")
    begin = text.find("func TestRace(")
    requests = re.findall(r"\[\]byte\(`(old .*?)`\)", text[begin:text.find("\nfunc ", begin)], re.DOTALL)
    key = re.search(r'pk := mustDecodeHex\(t, "([0-9a-f]{64})"\)', text[begin:])
    if len(requests) != 3 or not key:
        return
    with Witness(program, [vkey(bytes.fromhex(key[1]))]) as witness:
        for name, body, expected in (("first", requests[0], 200), ("quick", requests[2], 200), ("slow", requests[1], 409)):
            status, answer = witness.add(body)
            yield f"{file.name} race, {name}", expected, status, answer


def main():
    program, tree = sys.argv[1], pathlib.Path(sys.argv[2])
    scripts = sorted(tree.glob("cmd/litewitness/testdata/*.txt"))
    good, bad = 0, 0
    results = [(file, list(replay_script(program, file))) for file in scripts]
    results += [(file, list(replay_race(program, file))) for file in sorted(tree.rglob("witness_test.go"))]
    for file, outcomes in results:
        if not outcomes:
            print(f"left out  {file.name}: no Ed25519 log, or no request, in it")
        for what, expected, got, answer in outcomes:
            passed = expected == got and (got != 200 or answer.startswith("\u2014 example.com/witness "))
            if (expected, got) == (403, 400) and "one value has one encoding" in answer:
                passed, got = True, f"{got} (stricter: the signature's base64 is not canonical)"
            good, bad = good + passed, bad + (not passed)
            print(f"{'ok      ' if passed else 'DIFFERS '}  {what}: expected {expected}, got {got} {'' if passed else answer.strip()}")
    print(f"{good} answers as expected, {bad} not")
    sys.exit(bad > 0 or good < 3)


if __name__ == "__main__":
    main()
