"""The documents against the code: metrics, reason codes, values, links. Usage: check_docs.py REPOSITORY"""

import pathlib
import re
import sys

METRIC = re.compile(r'"(avouch_[a-z0-9_]*[a-z0-9])"')
PROGRAMS = ("operator", "webhook", "agent", "log", "src/adapters", "src/observe")


def sources(root, folders):
    for folder in folders:
        for pattern in ("*.cc", "*.h"):
            for file in sorted((root / folder).glob(pattern)):
                yield file.read_text(encoding="utf-8")


def check_metrics(root, text):
    exported = {name for source in sources(root, PROGRAMS) for name in METRIC.findall(source)}
    documented = set(re.findall(r"`(avouch_[a-z0-9_]+)(?:\{[a-z,_]*\})?`", text))
    yield from (f"metric {name} is exported, but not documented" for name in sorted(exported - documented))
    yield from (f"metric {name} is documented, but not exported" for name in sorted(documented - exported))


def check_codes(root, text):
    headers = ["src/attest/reason.h", "src/admission/decision.h", "src/runtimelog/codes.h", "src/appraisal/boot.h"]
    headers += sorted(str(file.relative_to(root)) for file in (root / "src/bootlog").glob("*.h"))
    for header in headers:
        source = (root / header).read_text(encoding="utf-8")
        for code in re.findall(r'k[A-Z][A-Za-z]+ =\s*"([A-Z][A-Za-z]+)"', source):
            if f"`{code}`" not in text:
                yield f"reason code {code} of {header} is not documented"


def check_alerts(root, text):
    chart = (root / "charts/avouch/templates/monitoring.yaml").read_text(encoding="utf-8")
    exported = {name for source in sources(root, PROGRAMS) for name in METRIC.findall(source)}
    for alert in re.findall(r"alert: (\w+)", chart):
        if f"| {alert} |" not in text:
            yield f"alert {alert} is not documented"
    for name in set(re.findall(r"avouch_[a-z0-9_]+(?=\{)", chart)) - exported:
        yield f"the alerts use metric {name}, which is not exported"


def check_packages(root):
    """The walkthrough names what hack/lib/deps.sh installs for a build."""
    listed = re.search(r"BUILD_PACKAGES=\((.*?)\)", (root / "hack/lib/deps.sh").read_text(encoding="utf-8"), re.DOTALL)
    named = re.search(r"apt-get install --yes (.*?)\ncmake", (root / "docs/walkthrough.md").read_text(encoding="utf-8"), re.DOTALL)
    wanted, found = set(listed.group(1).split()) | {"jq"}, set(named.group(1).replace("\\\n", " ").split())
    yield from (f"docs/walkthrough.md does not install {package}" for package in sorted(wanted - found))
    yield from (f"docs/walkthrough.md installs {package}, which no build needs" for package in sorted(found - wanted))


def check_links(root, files):
    for file in files:
        for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
            if "://" not in target and not (file.parent / target).exists():
                yield f"{file.relative_to(root)}: no {target}"


def main():
    root = pathlib.Path(sys.argv[1])
    operations = (root / "docs/operations.md").read_text(encoding="utf-8")
    files = [*root.glob("*.md"), *(root / "docs").glob("*.md"), *(root / "src").rglob("*.md"),
             *(root / "charts").rglob("*.md")]
    problems = [
        *check_metrics(root, operations),
        *check_codes(root, operations),
        *check_alerts(root, operations),
        *check_packages(root),
        *check_links(root, files),
    ]
    for problem in problems:
        print(problem)
    if not list(METRIC.findall("".join(sources(root, PROGRAMS)))):
        problems.append("no metric found at all")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
