"""Finds functions of one name in the anonymous namespaces of two files of a folder.

Such files may be compiled as one (AVOUCH_UNITY), and a call in the second could then silently mean the function of the
first. Other names that two files have are found by the compiler.

Usage: check_names.py REPOSITORY. Prints every such name with its places and exits 1 if there is one.
"""

import pathlib
import re
import sys

FOLDERS = ("src/*", "operator", "webhook", "agent", "cli", "log", "tests/unit/*", "tests/contract/*", "tests/integration/*")
# A declaration as clang-format leaves it: at the line's beginning, with its type before the name.
FUNCTION = re.compile(
    r"(?!(?:return|using|namespace|struct|class|enum|template|else|if|TEST\w*|INSTANTIATE\w*)\b)"
    r"[A-Za-z_][\w:<>&*,\s\[\]]*?[\s&*](\w+)\("
)


def functions(text):
    """Yields (line number, name) of the functions in the anonymous namespaces of one file."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        elif inside and (found := FUNCTION.match(line)):
            yield number, found[1]


def check(root):
    """A line for each name that two files of a folder have."""
    problems = []
    for folder in sorted(folder for pattern in FOLDERS for folder in root.glob(pattern) if folder.is_dir()):
        places = {}
        for file in sorted(folder.glob("*.cc")):
            for number, name in functions(file.read_text()):
                places.setdefault(name, {}).setdefault(file, f"{file.relative_to(root)}:{number}")
        problems += [
            f"{' and '.join(files.values())}: {name}() is in both; rename one, or move it to a header if it is the same"
            for name, files in sorted(places.items())
            if len(files) > 1
        ]
    return problems


def main():
    problems = check(pathlib.Path(sys.argv[1]))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
