"""Runs clang-tidy over the files of a build, as many at a time as there are processors.

A file's clean result is kept under the digest of its preprocessed text (comments included, as they hold
NOLINT), its flags, the checks and clang-tidy's version.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
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


def select(options):
    """The build's commands for our own files, or for those that were named."""
    wanted = {file.resolve() for file in options.files}
    chosen = {}
    for command in json.loads((options.build / "compile_commands.json").read_text()):
        file = pathlib.Path(command["directory"], command["file"]).resolve()
        ours = any(file.is_relative_to(options.repository / folder) for folder in FOLDERS)
        if file.is_file() and (file in wanted if wanted else ours):
            chosen[file] = command
    missing = wanted - set(chosen)
    if missing:
        sys.exit("the build knows no command for: " + ", ".join(map(str, sorted(missing))))
    return chosen


def digest(command, checks):
    """The name of the file's result, or nothing where it cannot be preprocessed."""
    words = shlex.split(command["command"])
    if pathlib.Path(words[0]).name == "ccache":
        words = words[1:]
    flags = []
    skip = False
    for word in words[1:]:
        if not skip and word not in ("-c", "-o"):
            flags.append(word)
        skip = word == "-o"
    run = subprocess.run(
        ["clang++", *flags, "-E", "-C", "-w"], cwd=command["directory"], capture_output=True, check=False
    )
    if run.returncode != 0:
        return None
    return hashlib.sha256(b"\0".join([checks, " ".join(flags).encode(), run.stdout])).hexdigest()


def tidy(options, file, command, checks):
    """(what clang-tidy said or nothing, whether it ran, seconds)."""
    began = time.monotonic()
    name = digest(command, checks)
    marker = options.cache / name if name else None
    if marker and marker.exists():
        os.utime(marker)
        return "", False, 0.0
    arguments = ["-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={ANALYZER_STEPS}"]
    arguments.append("-Wno-unknown-warning-option")  # the flags may be g++'s
    run = subprocess.run(
        ["clang-tidy", "-p", str(options.build), "--quiet", *(f"--extra-arg={word}" for word in arguments), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0 and marker:
        marker.touch()
    said = "" if run.returncode == 0 else run.stdout or run.stderr
    return said, True, time.monotonic() - began


def main():
    options = parse_arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    checks = version + (options.repository / ".clang-tidy").read_bytes() + str(ANALYZER_STEPS).encode()
    files = select(options)
    if not files:
        sys.exit("the build has no file of ours: nothing was checked")
    # The adapters take longest: they go first, so that no processor idles at the end.
    order = sorted(files, key=lambda file: ("adapters" not in file.parts, str(file)))
    failed, ran, slowest = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = {pool.submit(tidy, options, file, files[file], checks): file for file in order}
        for done in concurrent.futures.as_completed(results):
            said, was_run, seconds = done.result()
            ran += was_run
            slowest.append((seconds, str(results[done].relative_to(options.repository))))
            if said:
                failed += 1
                print(said.rstrip(), flush=True)
    for seconds, name in sorted(slowest, reverse=True)[:3]:
        if seconds:
            print(f"slowest: {name} {seconds:.1f} s")
    print(f"clang-tidy: {len(files)} files, {ran} looked at, {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
