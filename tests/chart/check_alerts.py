"""The chart's alerts fire when they should, and not otherwise. Usage: check_alerts.py PROMTOOL RENDERED CASES

RENDERED holds a PrometheusRule of namespace avouch-system, CASES what alerts.yaml says."""

import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

NAMESPACE = "avouch-system"


def series_name(name):
    """With the namespace, where it names none."""
    bare, _, labels = name.rstrip("}").partition("{")
    if not re.search(r"\bnamespace=", labels):
        labels = ",".join(filter(None, [f'namespace="{NAMESPACE}"', labels]))
    return f"{bare}{{{labels}}}"


def test_of(rule, case, fires):
    expected = []
    if fires:
        expected = [{"exp_labels": {**rule["labels"], **case.get("labels", {})}}]
        if "summary" in case:
            expected[0]["exp_annotations"] = {"summary": case["summary"]}
    return {
        "interval": "1m",
        "input_series": [{"series": series_name(name), "values": values} for name, values in case["series"].items()],
        "alert_rule_test": [{"eval_time": case["at"], "alertname": rule["alert"], "exp_alerts": expected}],
    }


def rules_of(rendered):
    with open(rendered, encoding="utf-8") as file:
        (spec,) = [thing["spec"] for thing in yaml.safe_load_all(file) if thing and thing["kind"] == "PrometheusRule"]
    return spec


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
    return done.returncode


def main():
    promtool, rendered, cases_file = sys.argv[1:]
    spec = rules_of(rendered)
    rules = {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}
    with open(cases_file, encoding="utf-8") as file:
        cases = yaml.safe_load(file)
    problems = [f"{name}: no such alert" for name in cases if name not in rules]
    problems += [f"{name}: no case in which it {what}" for name in rules for what, key in (("fires", "fires"), ("is quiet", "quiet"))
                 if not cases.get(name, {}).get(key)]
    if problems:
        sys.exit("\n".join(problems))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "rules.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
        tests = [test_of(rules[name], case, key == "fires") for name, kinds in cases.items() for key in ("fires", "quiet") for case in kinds[key]]
        # A summary is compared where it is made of labels; elsewhere it would only be said twice.
        for rule in rules.values():
            if "{{" not in rule["annotations"]["summary"]:
                del rule["annotations"]
        (folder / "bare.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
        (folder / "tests.yaml").write_text(
            yaml.safe_dump({"rule_files": ["bare.yaml"], "evaluation_interval": "1m", "tests": tests}), encoding="utf-8")
        failed = run(promtool, "check", "rules", str(folder / "rules.yaml")) or run(promtool, "test", "rules", str(folder / "tests.yaml"))
    sys.exit(failed)


if __name__ == "__main__":
    main()
