"""What Chart.yaml says is what the repository has: version, license, custom resources. Usage: check_metadata.py REPOSITORY"""

import pathlib
import re
import sys

import yaml

# What a listing shows of a chart, and that nothing else here could be held to.
PLAIN = {"apiVersion", "name", "description", "type", "keywords"}


def load(file):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def check_version(root, chart):
    project = re.search(r"project\(avouch VERSION ([0-9.]+)", (root / "CMakeLists.txt").read_text(encoding="utf-8"))
    if str(chart["appVersion"]) != project.group(1):
        yield f"appVersion is {chart['appVersion']}, the programs' is {project.group(1)}"
    said = re.search(r"Kubernetes ([0-9.]+) or newer", (root / "README.md").read_text(encoding="utf-8"))
    if chart["kubeVersion"] != f">={said.group(1)}.0-0":
        yield f"kubeVersion is {chart['kubeVersion']}, README.md says {said.group(1)} or newer"


def check_license(root, chart):
    text = (root / "LICENSE").read_text(encoding="utf-8")
    if chart["annotations"]["artifacthub.io/license"] != "Apache-2.0" or "Apache License\n" not in text or "Version 2.0" not in text:
        yield "artifacthub.io/license is not that of LICENSE"


def check_definitions(root, chart):
    said = {d["name"]: d for d in yaml.safe_load(chart["annotations"]["artifacthub.io/crds"])}
    there = {crd["metadata"]["name"]: crd["spec"] for crd in map(load, sorted((root / "crds").glob("*.yaml")))}
    yield from (f"artifacthub.io/crds: {name} is not in crds/" for name in sorted(said.keys() - there.keys()))
    yield from (f"artifacthub.io/crds lacks {name}" for name in sorted(there.keys() - said.keys()))
    for name in sorted(said.keys() & there.keys()):
        versions = [version["name"] for version in there[name]["versions"]]
        if said[name]["kind"] != there[name]["names"]["kind"] or said[name]["version"] not in versions:
            yield f"artifacthub.io/crds: {name} is {there[name]['names']['kind']} {versions}, not {said[name]['kind']} {said[name]['version']}"
        if not said[name].get("displayName") or not said[name].get("description"):
            yield f"artifacthub.io/crds: {name} has no displayName or no description"


def main():
    root = pathlib.Path(sys.argv[1])
    chart = load(root / "charts/avouch/Chart.yaml")
    problems = [f"{key} is not there, or empty" for key in sorted(PLAIN) if not chart.get(key)]
    problems += [*check_version(root, chart), *check_license(root, chart), *check_definitions(root, chart)]
    known = PLAIN | {"version", "appVersion", "kubeVersion", "annotations"}
    problems += [f"{key}: nothing here says whether it is true: add a check of it" for key in sorted(chart.keys() - known)]
    for problem in problems:
        print(f"Chart.yaml: {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
