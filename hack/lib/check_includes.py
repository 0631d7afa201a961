"""Compares includes and CMake links with the table in src/README.md.

Usage: check_includes.py REPOSITORY. Prints every violation as file:line and exits 1 if there is one.
"""

import pathlib
import re
import sys

DEPLOYABLES = ("operator", "webhook", "agent", "cli", "log")
POSIX = re.compile(
    r"(unistd|fcntl|poll|signal|netdb|dirent|termios|pthread|endian|byteswap|dlfcn|syslog|ifaddrs|pwd|grp|glob|malloc)\.h"
    r"|(sys|netinet|arpa|net|linux)/.+"
)
STANDARD = re.compile(r"[a-z_0-9]+")  # <vector>, <cstdint>
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Rules:
    """The table: for each folder the libraries and third-party headers that it may use."""

    def __init__(self, text):
        self.direct, self.headers = {}, {}
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            name = re.fullmatch(r"`(\w+)`|\*(deployables)\*", cells[1]) if len(cells) == 6 else None
            if name:
                folder = name[1] or name[2]
                self.direct[folder] = cells[2].split()
                self.headers[folder] = re.findall(r"`([^`]+)`", cells[3])

    def reachable(self, folder, via=()):
        """Every library that `folder` may use, itself included. Fails on a cycle."""
        if folder in via:
            raise ValueError("the table has a cycle: " + " -> ".join(via + (folder,)))
        found = {folder}
        for used in self.direct[folder]:
            if used not in self.direct:
                raise ValueError(f"the table's row {folder} names {used}, which has no row")
            found |= self.reachable(used, via + (folder,))
        return found

    def allows_header(self, folder, header):
        if STANDARD.fullmatch(header):
            return True
        for allowed in self.headers[folder]:
            if allowed == header or (allowed.endswith("/") and header.startswith(allowed)):
                return True
            if allowed == "posix" and POSIX.fullmatch(header):
                return True
        return False


def folders(root):
    """(row of the table, path) of everything that is checked."""
    for path in sorted((root / "src").iterdir()):
        if path.is_dir():
            yield path.name, path
    for name in DEPLOYABLES:
        if (root / name).is_dir():
            yield "deployables", root / name


def quoted_problem(rules, row, path, header, root):
    library = header.split("/")[0]
    if ".." in header.split("/") or "/" not in header:
        return "name it from the root of the sources: \"folder/file.h\""
    if row == "deployables" and library == path.name:
        return None if (root / header).is_file() else "there is no such file"
    if library not in rules.direct:
        return f"{library} is no library"
    if library not in rules.reachable(row):
        return f"{path.name} must not use {library}"
    return None if (root / "src" / header).is_file() else "there is no such file"


def check_file(rules, row, path, file, root):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        if match[1] == '"':
            problem = quoted_problem(rules, row, path, match[2], root)
        else:
            problem = None if rules.allows_header(row, match[2]) else f"{path.name} must not include this header"
        if problem:
            yield f"{file.relative_to(root)}:{number}: {match[2]}: {problem}"


def check_links(rules, row, path, root):
    file = path / "CMakeLists.txt"
    if not file.is_file():
        return
    allowed = rules.reachable(row)
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        for library in re.findall(r"\bavouch_(\w+)", line):
            if library in rules.direct and library not in allowed:
                yield f"{file.relative_to(root)}:{number}: {path.name} must not link {library}"


def check(root):
    """Every violation below `root`, as text."""
    rules = Rules((root / "src" / "README.md").read_text(encoding="utf-8"))
    problems = []
    rows = set()
    for row, path in folders(root):
        rows.add(row)
        if row not in rules.direct:
            problems.append(f"{path.relative_to(root)}: has no row in the table of src/README.md")
            continue
        problems += check_links(rules, row, path, root)
        for file in sorted(path.rglob("*")):
            if file.suffix in (".h", ".cc"):
                problems += check_file(rules, row, path, file, root)
    problems += [f"src/README.md: row {row} has no folder" for row in rules.direct if row not in rows]
    return problems


def main():
    problems = check(pathlib.Path(sys.argv[1]).resolve())
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"{len(problems)} violations of the table in src/README.md")
    print("includes and links are as src/README.md says")


if __name__ == "__main__":
    main()
