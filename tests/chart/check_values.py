"""values.yaml and values.schema.json name the same values, and no object of the schema is open. Usage: check_values.py CHART"""

import json
import sys

import yaml

# Kubernetes' own types, and the place where a parent chart puts what all its charts share.
OPEN = {"affinity", "global"}


def resolve(schema, root):
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def walk(values, schema, root, path, problems):
    schema = resolve(schema, root)
    where = ".".join(path) or "(root)"
    known = schema.get("properties")
    if known is None:
        if schema.get("type") == "object" and "additionalProperties" not in schema and path[-1] not in OPEN:
            problems.append(f"{where}: an object of any form")
        return
    if schema.get("additionalProperties") is not False:
        problems.append(f"{where}: unknown keys are accepted")
    for name in known:
        if not isinstance(values, dict) or (name not in values and name not in OPEN):
            problems.append(f"{where}: {name} is in the schema, but has no default in values.yaml")
    for name, value in (values or {}).items():
        if name not in known:
            problems.append(f"{where}: {name} is in values.yaml, but not in the schema")
        elif isinstance(value, dict):
            walk(value, known[name], root, path + [name], problems)


def main():
    with open(f"{sys.argv[1]}/values.yaml", encoding="utf-8") as file:
        values = yaml.safe_load(file)
    with open(f"{sys.argv[1]}/values.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    problems = []
    walk(values, schema, schema, [], problems)
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
