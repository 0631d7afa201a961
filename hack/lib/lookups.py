"""Finds what means something else where files are compiled as one (AVOUCH_UNITY).

Usage: lookups.py UNIT -- FLAGS: a file that includes the .cc files which the build compiles as one, and the compiler's flags
for it. A name that one of them keeps to itself, in an anonymous namespace, is seen by those after it, and may be a
better match than what they mean: they would call another function without a word. Prints every reference of one file to
a declaration that stands only in another, as file:line, and exits 1 if there is one; 2 where the unit cannot be read.

Needs Debian's python3-clang, so Debian's python3.
"""

import sys

from clang import cindex


def place(cursor):
    return cursor.location.file.name if cursor.location.file else None


def references(cursor, own):
    """(file, line, declaration) of what the code below `cursor`, as far as it stands in the files `own`, refers to."""
    for child in cursor.get_children():
        file = place(child)
        if file not in own:
            continue
        if child.referenced is not None and not child.kind.is_declaration():
            yield file, child.location.line, child.referenced
        yield from references(child, own)


def main():
    unit, flags = sys.argv[1], sys.argv[3:]
    tree = cindex.Index.create().parse(unit, args=flags)
    broken = [message for message in tree.diagnostics if message.severity >= cindex.Diagnostic.Error]
    if broken:
        print(f"{unit}: cannot be read: {broken[0]}")
        sys.exit(2)
    own = {include.include.name for include in tree.get_includes() if include.depth == 1 and include.include.name.endswith(".cc")}
    if not own:
        print(f"{unit}: includes no .cc file")
        sys.exit(2)
    found = set()
    for file, line, declaration in references(tree.cursor, own):
        # Of what is declared twice, as aliases may be, the first is the canonical one.
        elsewhere = [place(known) for known in (declaration, declaration.canonical)]
        if all(name in own and name != file for name in elsewhere):
            where = f"{elsewhere[0]}:{declaration.location.line}"
            found.add(f"{file}:{line}: refers to {declaration.spelling} of {where}: rename one, or share it by a header")
    print("\n".join(sorted(found)), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
