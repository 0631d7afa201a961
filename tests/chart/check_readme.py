"""The table of values in the chart's README.md is what values.yaml says. Usage: check_readme.py CHART [--write]

--write puts it there. A value is described by the comments beside it and above it; one that is not is a failure."""

import pathlib
import re
import sys

import yaml

BEGIN, END = "<!-- values.yaml -->\n", "<!-- end -->\n"
COMMENT = re.compile(r"\s*#\s?(.*)$")


def beside(lines, number):
    """The comment at the end of a line, and of the lines after it that go on at the same place."""
    match = re.search(r"\s#\s(.*)$", lines[number])
    if not match:
        return ""
    column, words = match.start() + 1, [match[1]]
    for line in lines[number + 1:]:
        if not line.startswith(" " * column + "#"):
            break
        words.append(line.strip("# "))
    return " ".join(words)


def above(lines, number):
    """The lines of comment right above, of the same indentation: the whole paragraph."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    words = []
    while number > 0 and re.match(" {%d}#" % indent, lines[number - 1]):
        number -= 1
        words.insert(0, COMMENT.match(lines[number])[1])
    return " ".join(words)


def default_of(node, lines):
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        return ""
    start, end = node.start_mark, node.end_mark
    return lines[start.line][start.column:end.column] if start.line == end.line else "..."


def rows(node, lines, path=(), described=False):
    """(name, default, what is said of it) of every value. One that nothing is said of, nor of what it is in, is a failure."""
    for key, value in node.value:
        name = path + (key.value,)
        number = key.start_mark.line
        said = " ".join(filter(None, [above(lines, number), beside(lines, number)]))
        block = isinstance(value, yaml.MappingNode) and not value.flow_style
        if not (said or block or described):
            sys.exit(f"values.yaml: {'.'.join(name)}: no comment beside or above it says what it is")
        if said or not block:
            yield ".".join(name), default_of(value, lines), said
        if block:
            yield from rows(value, lines, name, bool(said) or described)


def table(values):
    text = values.read_text(encoding="utf-8")
    lines = text.splitlines()
    out = ["| value | default | |", "|---|---|---|"]
    for name, default, said in rows(yaml.compose(text), lines):
        cells = [f"`{name}`", f"`{default}`" if default else "", said]
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out) + "\n"


def main():
    chart = pathlib.Path(sys.argv[1])
    readme = chart / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    there, after = rest.split(END)
    wanted = table(chart / "values.yaml")
    if sys.argv[2:] == ["--write"]:
        readme.write_text(before + BEGIN + wanted + END + after, encoding="utf-8")
    elif there != wanted:
        differ = sorted(set(there.splitlines()) ^ set(wanted.splitlines()))
        sys.exit("README.md is not what values.yaml says; tests/chart/check_readme.py CHART --write mends it:\n" + "\n".join(differ))


if __name__ == "__main__":
    main()
