"""Rules that every rendering of the chart keeps. Usage: check_rendered.py FILE MINOR_VERSION [KIND | !KIND | +hostNetwork]...

KINDs must be there, !KINDs must not. With +hostNetwork the webhook's pods must be in the network of their nodes, and nobody
else's; without it nobody's."""

import json
import sys

import yaml

NAMESPACE = "avouch-system"
FLOW_CONTROL_FROM = {"v1beta1": 20, "v1beta2": 23, "v1beta3": 26, "v1": 29}
# ClusterRole or Role -> what it may do beyond reading; everything else is a change of rights that somebody must look at.
WRITES = {
    "controller": {
        "attestationpolicies/status": {"patch"},
        "attestationevidences/status": {"patch"},
        "nodes": {"patch"},
        "nodes/status": {"patch"},
        "tokenreviews": {"create"},
        "subjectaccessreviews": {"create"},
        "validatingwebhookconfigurations": {"patch"},
        "configmaps": {"create", "patch", "update"},
        "secrets": {"create", "update"},
        "leases": {"create", "update"},
        "pods": {"patch", "delete"},
    },
    "events": {"events": {"create", "patch"}},
    "references": {},
    "webhook": {},
    "agent": {"attestationevidences": {"create", "patch"}},
    "view": {},
    "node-viewer": {},
    "policy-admin": {
        "attestationpolicies": {"create", "update", "patch", "delete"},
        "referencemanifests": {"create", "update", "patch", "delete"},
        "attestationevidences": {"delete"},
    },
    "statement-sender": {"statements": {"create"}},
    "remark-sender": {
        "endorsements": {"create"},
        "disputes": {"create"},
        "measurements": {"create"},
        "supersessions": {"create"},
    },
    "reader-nodes": {},
    "reader-pods": {},
    "reader-remarks": {},
    "log-reader": {"serviceaccounts/token": {"create"}},
    "hooks": {"namespaces": {"patch"}},
    "cleanup": {
        "validatingwebhookconfigurations": {"delete"},
        "nodes": {"patch"},
        "nodes/status": {"patch"},
        "statefulsets/scale": {"patch"},
    },
}
# A Secret may be read by name only.
NAMED = ("secrets",)
READS = {"get", "list", "watch"}


def load(file):
    with open(file, encoding="utf-8") as stream:
        return [document for document in yaml.safe_load_all(stream) if document]


def pod_specs(objects):
    for thing in objects:
        if thing["kind"] in ("StatefulSet", "Deployment", "DaemonSet", "Job"):
            yield thing["metadata"]["name"], thing["kind"], thing["spec"]["template"]["spec"]


def check_roles(objects):
    """A role of the cluster and one of the namespace with the same name count together."""
    writes = {}
    for role in objects:
        if role["kind"] not in ("Role", "ClusterRole"):
            continue
        name = role["metadata"]["name"]
        found = writes.setdefault(name, {})
        for rule in role["rules"]:
            for key in ("apiGroups", "resources", "verbs"):
                if "*" in rule[key]:
                    yield f"{name}: wildcard in {key}"
            for resource in rule["resources"]:
                verbs = set(rule["verbs"])
                if verbs - READS:
                    found.setdefault(resource, set()).update(verbs - READS)
                if resource in NAMED and verbs & READS and not rule.get("resourceNames"):
                    yield f"{name}: may read every {resource}"
    for name, found in writes.items():
        expected = WRITES.get(name.split("-", 1)[1])
        if found != expected:
            yield f"{name}: writes {found}, expected {expected}"


def check_container(where, container, privileged_agent):
    resources = container.get("resources", {})
    if "memory" not in resources.get("limits", {}) or "cpu" not in resources.get("requests", {}):
        yield f"{where}: no memory limit or no CPU request"
    security = container.get("securityContext", {})
    if not security.get("readOnlyRootFilesystem"):
        yield f"{where}: its root file system can be written"
    if security.get("privileged"):
        if not privileged_agent:
            yield f"{where}: privileged without need"
        return
    if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{where}: keeps capabilities or may gain privileges"
    if set(security["capabilities"].get("add", [])) - ({"CHOWN"} if where.endswith("/own-folder") else set()):
        yield f"{where}: adds capabilities"


def tolerates(toleration, value):
    """Our own taint of that value, in effect NoSchedule."""
    if toleration.get("key") not in (None, "avouch.dev/unattested") or toleration.get("effect") not in (None, "NoSchedule"):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == value


def check_pods(objects, host_network):
    for name, kind, spec in pod_specs(objects):
        agent = kind == "DaemonSet"
        device = any(v.get("hostPath", {}).get("type") == "CharDevice" for v in spec["volumes"]) if agent else False
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield from check_container(f"{name}/{container['name']}", container, device)
        security = spec["securityContext"]
        if not agent and (security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) == 0):
            yield f"{name}: runs as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: no seccomp profile"
        if not any(tolerates(t, "") for t in spec["tolerations"]):
            yield f"{name}: does not tolerate our own taint: a cold cluster would not come up"
        if name == "avouch-webhook":
            if any(tolerates(t, "failing") for t in spec["tolerations"]):
                yield f"{name}: may start on a node that a policy is against, and its key with it"
            ours = [t for t in spec["tolerations"] if t.get("key") == "avouch.dev/unattested" and t.get("effect") in (None, "NoExecute")]
            if [t.get("tolerationSeconds") for t in ours] != [60]:
                yield f"{name}: expected to bear NoExecute for a minute: for less, one wrong policy leaves no webhook to let its edit in"
        if kind != "Job" and not spec["priorityClassName"].startswith("system-"):
            yield f"{name}: no system priority"
        on_host = host_network and kind == "Deployment"
        if spec.get("hostNetwork", False) != on_host or spec.get("dnsPolicy") != ("ClusterFirstWithHostNet" if on_host else None):
            yield f"{name}: hostNetwork {spec.get('hostNetwork')} with dnsPolicy {spec.get('dnsPolicy')}"
        for flag in ("hostPID", "hostIPC"):
            if spec.get(flag):
                yield f"{name}: {flag}"
        tokens = [v for v in spec["volumes"] if v["name"] == "api" and "serviceAccountToken" in v["projected"]["sources"][0]]
        if spec.get("automountServiceAccountToken") is not False or len(tokens) != 1:
            yield f"{name}: its token is not bound to the pod on every server"
        if spec["serviceAccountName"] not in accounts(objects):
            yield f"{name}: service account {spec['serviceAccountName']} is not rendered"


def check_database(objects):
    """The connection of the log's database is a secret: the controller alone has it, read-only, for its user and group."""
    for name, kind, spec in pod_specs(objects):
        mounted = [m for c in spec.get("initContainers", []) + spec["containers"] for m in c.get("volumeMounts", []) if m["name"] == "database"]
        volumes = [v["secret"] for v in spec["volumes"] if v["name"] == "database"]
        if not volumes and not mounted:
            continue
        if kind != "StatefulSet":
            yield f"{name}: has the database's connection"
        if [(m["mountPath"], m.get("readOnly")) for m in mounted] != [("/etc/avouch-database", True)]:
            yield f"{name}: mounts the database's connection as {mounted}"
        if [v.get("defaultMode") for v in volumes] != [0o440] or spec["securityContext"].get("fsGroup") != 65532:
            yield f"{name}: the database's connection can be read by others: {volumes}"


def accounts(objects):
    return {thing["metadata"]["name"] for thing in objects if thing["kind"] == "ServiceAccount"}


def check_shares(closed, open_):
    """The two differ in name, failure policy and the last requirement, which takes all at first and nothing."""
    (*exempt, share), (*other_exempt, other) = (w["namespaceSelector"]["matchExpressions"] for w in (closed, open_))
    own = ("name", "failurePolicy", "namespaceSelector", "clientConfig")
    rest, other_rest = ({k: v for k, v in w.items() if k not in own} for w in (closed, open_))
    if exempt != other_exempt or not exempt or rest != other_rest:
        yield "pods-unenforced.avouch.dev: asks otherwise than pods.avouch.dev"
    paths = [w["clientConfig"]["service"]["path"] for w in (closed, open_)]
    if paths != ["/admit/pods", "/admit/pods-unenforced"]:
        yield f"pods.avouch.dev: paths {paths}"
    key = "avouch.dev/exempt"
    if (share, other) != ({"key": key, "operator": "DoesNotExist"}, {"key": key, "operator": "Exists"}):
        yield f"pods.avouch.dev: does not take every namespace at first: {share}, {other}"


def check_webhooks(objects, minor):
    (configuration,) = [thing for thing in objects if thing["kind"] == "ValidatingWebhookConfiguration"]
    services = {thing["metadata"]["name"] for thing in objects if thing["kind"] == "Service"}
    by_name = {}
    for webhook in configuration["webhooks"]:
        name = webhook["name"]
        by_name[name] = webhook
        if "caBundle" in webhook["clientConfig"]:
            yield f"{name}: renders a caBundle, so an upgrade would reset the controller's"
        if webhook["clientConfig"]["service"]["name"] not in services:
            yield f"{name}: no such Service"
        failure = "Ignore" if name in ("pods-unenforced.avouch.dev", "own-pods.avouch.dev") else "Fail"
        wanted = (failure, "NoneOnDryRun", "Equivalent", ["v1"])
        got = tuple(webhook[key] for key in ("failurePolicy", "sideEffects", "matchPolicy", "admissionReviewVersions"))
        if got != wanted or webhook["timeoutSeconds"] > 10:
            yield f"{name}: {got}, expected {wanted}"
    pods = by_name["pods.avouch.dev"]
    if set(pods["rules"][0]["resources"]) != {"pods", "pods/binding", "bindings"} or "objectSelector" in pods:
        yield "pods.avouch.dev: a way onto a node is open; a Binding carries no labels to select by"
    yield from check_shares(pods, by_name["pods-unenforced.avouch.dev"])
    own = {e["key"]: (e["operator"], e["values"]) for e in by_name["own-pods.avouch.dev"]["objectSelector"]["matchExpressions"]}
    for service in (thing for thing in objects if thing["kind"] == "Service"):
        # The mark of the controller that leads selects some of the pods that the others do.
        selector = {key: value for key, value in service["spec"]["selector"].items() if key != "avouch.dev/leads"}
        if selector["app.kubernetes.io/component"] == "agent":
            continue
        if set(own) != set(selector) or any(own[key] != ("In", own[key][1]) or value not in own[key][1] for key, value in selector.items()):
            yield f"own-pods.avouch.dev: {own}, but Service {service['metadata']['name']} finds its pods by {selector}"
    expressions = {e["key"]: e for e in pods["namespaceSelector"]["matchExpressions"]}
    if expressions["avouch.dev/exempt"]["operator"] != "DoesNotExist":
        yield "pods.avouch.dev: exempt namespaces are gated"
    by_label = expressions.get("kubernetes.io/metadata.name")
    if (by_label is None) != (minor < 21):
        yield "pods.avouch.dev: kubernetes.io/metadata.name is guarded by the server from 1.21 on, and by nobody before"
    exemptions = by_name["exemptions.avouch.dev"]["rules"][0]["resources"]
    if set(exemptions) != {"namespaces", "namespaces/status", "namespaces/finalize"}:
        yield f"exemptions.avouch.dev: {exemptions}: labels can be changed in other ways"
    jobs = [thing for thing in objects if thing["kind"] == "Job"]
    never = [a.partition("=")[2] for a in jobs[0]["spec"]["template"]["spec"]["containers"][0]["args"]
             if a.startswith("--exempt-namespace=")]
    if by_label is not None and by_label["values"] != never:
        yield f"pods.avouch.dev: exempts {by_label['values']}, the hook jobs label {never}"
    if not {NAMESPACE, "kube-system", "kube-node-lease"} <= set(never) or len(never) != len(set(never)):
        yield f"pods.avouch.dev: never gated are {never}"
    for name in ("evidence.avouch.dev", "policies.avouch.dev", "exemptions.avouch.dev"):
        if "namespaceSelector" in by_name[name]:
            yield f"{name}: a namespace selector would let exempt objects pass"
    for job in jobs:
        args = job["spec"]["template"]["spec"]["containers"][0]["args"]
        if [f"--exempt-namespace={name}" for name in never] != [a for a in args if a.startswith("--exempt-namespace=")]:
            yield f"{job['metadata']['name']}: labels other namespaces than the webhook configuration exempts"


def check_expectation(objects):
    """What the controller compares the configuration with is the configuration, as it is at first."""
    (configuration,) = [thing for thing in objects if thing["kind"] == "ValidatingWebhookConfiguration"]
    texts = [t["data"]["webhooks.json"] for t in objects if t["kind"] == "ConfigMap" and "webhooks.json" in t.get("data", {})]
    if [json.loads(text) for text in texts] != [configuration["webhooks"]]:
        yield f"webhooks.json: {texts}, the configuration has {configuration['webhooks']}"


def check_certificate(objects):
    """Who makes the webhook's certificate: one Secret, one maker, one caBundle."""
    (pod,) = [spec for name, kind, spec in pod_specs(objects) if kind == "Deployment"]
    (secret,) = [v["secret"]["secretName"] for v in pod["volumes"] if v["name"] == "tls"]
    (configuration,) = [t for t in objects if t["kind"] == "ValidatingWebhookConfiguration"]
    (settings,) = [t["data"]["config.yaml"] for t in objects if t["kind"] == "ConfigMap" and t["metadata"]["name"].endswith("-controller")]
    ours = yaml.safe_load(settings)["webhook"]["certificate"]
    annotation = configuration["metadata"].get("annotations", {}).get("cert-manager.io/inject-ca-from")
    certificates = [t for t in objects if t["kind"] == "Certificate"]
    roles = [rule["resourceNames"] for t in objects if t["kind"] == "Role" for rule in t["rules"] if rule["resources"] == ["secrets"] and "get" in rule["verbs"]]
    if not certificates:
        if annotation or ours != "Own" or [secret] != [n for n in roles[0] if n.endswith("-webhook-tls")]:
            yield f"webhook: {secret} is made by nobody: {ours}, {annotation}, {roles}"
        return
    (certificate,) = certificates
    where = f"{certificate['metadata']['namespace']}/{certificate['metadata']['name']}"
    service = configuration["webhooks"][0]["clientConfig"]["service"]
    if (annotation, ours, certificate["spec"]["secretName"]) != (where, "External", secret) or len(roles[0]) != 1:
        yield f"webhook: {secret}, {annotation}, {ours}, {roles}: not cert-manager's alone"
    if f"{service['name']}.{service['namespace']}.svc" not in certificate["spec"]["dnsNames"]:
        yield f"Certificate: not for {service}"


def check_versions(objects, minor):
    for thing in objects:
        group, _, version = thing["apiVersion"].rpartition("/")
        if group == "flowcontrol.apiserver.k8s.io" and FLOW_CONTROL_FROM[version] > minor:
            yield f"{thing['kind']}: {thing['apiVersion']} is not in 1.{minor}"
        if thing["kind"] == "PodDisruptionBudget" and (version == "v1") != (minor >= 21):
            yield f"PodDisruptionBudget: {thing['apiVersion']} on 1.{minor}"
        if thing["kind"].startswith("ValidatingAdmissionPolicy") and minor < 32:
            yield f"{thing['kind']} on 1.{minor}"
        if thing["kind"] == "CustomResourceDefinition" and ("x-kubernetes-validations" in str(thing)) != (
            minor >= 25
        ):
            yield f"{thing['metadata']['name']}: CEL rules on 1.{minor}, or none where they belong"


def check_kinds(objects, expected):
    kinds = {thing["kind"] for thing in objects}
    for kind in (kind for kind in expected if not kind.startswith("+")):
        if kind.startswith("!") == (kind.lstrip("!") in kinds):
            yield f"expected {kind}"


def check_apply(objects):
    """What server-side apply on 1.20 needs: list keys have no defaults there."""
    for thing in objects:
        if thing["kind"] == "Service":
            for port in thing["spec"]["ports"]:
                if "protocol" not in port:
                    yield f"Service {thing['metadata']['name']}: port without protocol"
    for name, _, spec in pod_specs(objects):
        for container in spec["containers"]:
            for port in container.get("ports", []):
                if "protocol" not in port:
                    yield f"{name}: container port without protocol"
    seen = set()
    for thing in objects:
        key = (thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"])
        if key in seen:
            yield f"{key} is rendered twice"
        seen.add(key)
        labels = thing["metadata"].get("labels", {})
        if labels.get("app.kubernetes.io/part-of") != "avouch":
            yield f"{key}: no label app.kubernetes.io/part-of=avouch"


def main():
    objects, minor = load(sys.argv[1]), int(sys.argv[2])
    problems = [
        *check_roles(objects),
        *check_pods(objects, "+hostNetwork" in sys.argv[3:]),
        *check_webhooks(objects, minor),
        *check_expectation(objects),
        *check_certificate(objects),
        *check_versions(objects, minor),
        *check_apply(objects),
        *check_kinds(objects, sys.argv[3:]),
    ]
    for problem in problems:
        print(f"{sys.argv[1]}: {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
