"""Runs clang-tidy over the files of a build, as many at a time as there are processors.

Where the build compiles several files as one (AVOUCH_UNITY), they are looked at as one: their headers, which take most
of the time, are read once.

A clean result is kept under the digest of its preprocessed text (comments included, as they hold
NOLINT), its flags, the checks and clang-tidy's version.
"""

import argparse
import bisect
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

FOLDERS = ("src", "operator", "webhook", "agent", "cli", "log")
# The analyzer gives up on a function after this many steps; unbounded, one file with Boost takes minutes.
ANALYZER_STEPS = 8000


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    return parser.parse_args()


class Unit:
    """What clang-tidy looks at in one run: a file of ours, or the text of those that the build compiles as one.

    Included by another file they would be to the static analyzer what headers are, and not be looked at.
    """

    def __init__(self, command, options):
        self.directory = command["directory"]
        self.file = pathlib.Path(command["directory"], command["file"]).resolve()
        words = shlex.split(command["command"])
        if pathlib.Path(words[0]).name == "ccache":
            words = words[1:]
        self.flags = words[1 : words.index("-o")] + words[words.index("-o") + 2 :]
        self.flags = [word for word in self.flags if word != "-c" and self.file != pathlib.Path(self.directory, word)]
        self.sources = [self.file]
        self.starts = [0]  # of each source: how many lines stand before it
        if self.file.parent.name == "Unity":
            names = re.findall(r'^#include "([^"]+\.cc)"', self.file.read_text(encoding="utf-8"), re.MULTILINE)
            self.sources = [pathlib.Path(name).resolve() for name in names]
            self.gather(options.build / "tidy" / f"{self.file.parent.parent.stem}_{self.file.stem}.cc")

    def is_ours(self, repository):
        return any(source.is_relative_to(repository / folder) for folder in FOLDERS for source in self.sources)

    def gather(self, file):
        texts = [source.read_text(encoding="utf-8") for source in self.sources]
        for text in texts[:-1]:
            self.starts.append(self.starts[-1] + text.count("\n"))
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(texts), encoding="utf-8")
        self.file = file

    def in_sources(self, said):
        """What clang-tidy said, with places in the sources."""

        def place(match):
            line = int(match[1])
            at = bisect.bisect_left(self.starts, line) - 1
            return f"{self.sources[at]}:{line - self.starts[at]}:"

        return re.sub(re.escape(str(self.file)) + r":(\d+):", place, said)


def select(options):
    """The units of the build with files of ours, or with those that were named."""
    wanted = {file.resolve() for file in options.files}
    chosen = []
    for command in json.loads((options.build / "compile_commands.json").read_text()):
        if pathlib.Path(command["directory"], command["file"]).is_file():
            unit = Unit(command, options)
            if wanted.intersection(unit.sources) if wanted else unit.is_ours(options.repository):
                chosen.append(unit)
    missing = wanted - {source for unit in chosen for source in unit.sources}
    if missing:
        sys.exit("the build knows no command for: " + ", ".join(map(str, sorted(missing))))
    return chosen


def digest(unit, checks):
    """The name of the unit's result, or nothing where it cannot be preprocessed."""
    run = subprocess.run(
        ["clang++", *unit.flags, "-E", "-C", "-w", str(unit.file)], cwd=unit.directory, capture_output=True, check=False
    )
    if run.returncode != 0:
        return None
    return hashlib.sha256(b"\0".join([checks, " ".join(unit.flags).encode(), run.stdout])).hexdigest()


def tidy(options, unit, checks):
    """(what clang-tidy said or nothing, whether it ran, seconds)."""
    began = time.monotonic()
    name = digest(unit, checks)
    marker = options.cache / name if name else None
    if marker and marker.exists():
        os.utime(marker)
        return "", False, 0.0
    config = f"--config-file={options.repository / '.clang-tidy'}"
    flags = ["-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={ANALYZER_STEPS}"]
    flags.append("-Wno-unknown-warning-option")  # the flags may be g++'s
    run = subprocess.run(
        ["clang-tidy", "--quiet", config, str(unit.file), "--", *unit.flags, *flags],
        cwd=unit.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0 and marker:
        marker.touch()
    said = "" if run.returncode == 0 else unit.in_sources(run.stdout or run.stderr)
    return said, True, time.monotonic() - began


def main():
    options = parse_arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    checks = version + (options.repository / ".clang-tidy").read_bytes() + str(ANALYZER_STEPS).encode()
    units = select(options)
    if not units:
        sys.exit("the build has no file of ours: nothing was checked")
    # The adapters take longest: they go first, so that no processor idles at the end.
    units.sort(key=lambda unit: ("adapters" not in unit.sources[0].parts, str(unit.file)))
    failed, ran, slowest = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = {pool.submit(tidy, options, unit, checks): unit for unit in units}
        for done in concurrent.futures.as_completed(results):
            said, was_run, seconds = done.result()
            ran += was_run
            slowest.append((seconds, results[done].file.name))
            if said:
                failed += 1
                print(said.rstrip(), flush=True)
    for seconds, name in sorted(slowest, reverse=True)[:3]:
        if seconds:
            print(f"slowest: {name} {seconds:.1f} s")
    files = sum(len(unit.sources) for unit in units)
    print(f"clang-tidy: {files} files in {len(units)} units, {ran} of them looked at, {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
