"""Rules that every custom resource definition keeps. Usage: check_crds.py FILE..."""

import sys

import yaml

BOUNDED = {"string": "maxLength", "array": "maxItems"}


def walk(schema, path, problems):
    """Every field is described and every text and list is bounded."""
    where = ".".join(path) or "(root)"
    if path != ["metadata"] and len(schema.get("description", "")) < 12:
        problems.append(f"{where}: no description")
    kind = schema.get("type")
    if kind is None:
        problems.append(f"{where}: no type, so not structural")
    if kind in BOUNDED and BOUNDED[kind] not in schema and path not in (["apiVersion"], ["kind"]):
        problems.append(f"{where}: {kind} without {BOUNDED[kind]}")
    if kind == "array" and "x-kubernetes-list-type" not in schema:
        problems.append(f"{where}: list without x-kubernetes-list-type, which server-side apply needs")
    if kind == "integer" and "minimum" not in schema:
        problems.append(f"{where}: integer without minimum")
    if "x-kubernetes-validations" in schema:
        problems.append(f"{where}: CEL rules belong in the chart's crd-rules.yaml; old clients refuse them here")
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        problems.append(f"{where}: keeps unknown fields, so older servers explain none of its own")
    for name, child in schema.get("properties", {}).items():
        walk(child, path + [name], problems)
    if "items" in schema:
        walk(schema["items"], path + ["[]"], problems)
    if isinstance(schema.get("additionalProperties"), dict):
        if "maxProperties" not in schema:
            problems.append(f"{where}: map without maxProperties")
        walk(schema["additionalProperties"], path + ["*"], problems)


def check(crd):
    problems = []
    spec = crd["spec"]
    names = spec["names"]
    if crd["metadata"]["name"] != f"{names['plural']}.{spec['group']}" or spec["group"] != "avouch.dev":
        problems.append("name and group do not agree")
    if spec["scope"] != "Cluster":
        problems.append("scope is not Cluster")
    if names.get("categories") != ["avouch"] or len(names.get("shortNames", [])) != 1:
        problems.append("category avouch or the short name is missing")
    for version in spec["versions"]:
        if "status" not in version.get("subresources", {}):
            problems.append("no status subresource: whoever writes spec could write status")
        if not version.get("additionalPrinterColumns"):
            problems.append("no printer columns")
        schema = version["schema"]["openAPIV3Schema"]
        walk(schema, [], problems)
        conditions = schema["properties"]["status"]["properties"]["conditions"]
        if conditions["x-kubernetes-list-map-keys"] != ["type"]:
            problems.append("status.conditions is not a map by type")
        wanted = {"type", "status", "lastTransitionTime", "reason", "message"}
        if set(conditions["items"]["required"]) != wanted:
            problems.append("status.conditions is not shaped like metav1.Condition")
    return problems


def main():
    failed = False
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as stream:
            for problem in check(yaml.safe_load(stream)):
                failed = True
                print(f"{file}: {problem}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
