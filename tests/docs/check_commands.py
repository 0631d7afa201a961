#!/usr/bin/env python3
"""Checks that the program takes every `kubectl avouch` command line of the documents. Usage: check_commands.py PROGRAM REPOSITORY

A kubectl that refuses stands on the PATH, and no file is there: a command fails, but not for its command line."""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PREFIX = re.compile(r"^(?:    )?kubectl[ -]avouch ((?:[^#]|(?<=\S)#)+)")
USAGE = "Run with --help for more information"


def command_lines(text):
    """The lines of code blocks, indented or fenced, with those that a backslash continues."""
    text = text.replace("\\\n", " ")
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            match = PREFIX.match(line)
            if match:
                yield match[1].strip()


def words_of(line):
    """The command's own words: up to a pipe, a redirection or another command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if word and set(word) <= set("|&;<>()"):
            break
        words.append(word)
    return words


def main():
    program, repository = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    seen, problems = 0, []
    with tempfile.TemporaryDirectory() as empty:
        kubectl = pathlib.Path(empty, "kubectl")
        kubectl.write_text("#!/bin/sh\necho refused >&2\nexit 1\n", encoding="utf-8")
        kubectl.chmod(0o755)
        for document in [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]:
            for line in command_lines(document.read_text(encoding="utf-8")):
                seen += 1
                done = subprocess.run([program, *words_of(line)], cwd=empty, env={"PATH": f"{empty}:/usr/bin:/bin", "TMPDIR": empty},
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
                if done.returncode < 0 or USAGE in done.stdout + done.stderr or (done.returncode == 2 and "belong together" in done.stderr):
                    problems.append(f"{document.relative_to(repository)}: kubectl avouch {line}: {done.stdout}{done.stderr}")
    for problem in problems:
        print(problem)
    if seen < 20:
        problems.append("")
        print(f"{seen} command lines found; expected 20 at least: does this script still read the documents?")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
