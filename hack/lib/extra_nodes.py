#!/usr/bin/env python3
"""Creates Node objects without a kubelet: extra-1, extra-2, ..., marked Ready."""

import argparse
import http.client
import json
import ssl
import urllib.parse


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("api", "ca", "cert", "key"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()

    context = ssl.create_default_context(cafile=options.ca)
    context.load_cert_chain(options.cert, options.key)
    api = http.client.HTTPSConnection(urllib.parse.urlsplit(options.api).netloc, context=context, timeout=30)

    def call(method, path, body, media="application/json"):
        api.request(method, path, json.dumps(body), {"Content-Type": media})
        reply = api.getresponse()
        text = reply.read()
        if reply.status not in (200, 201, 409):
            raise SystemExit(f"{method} {path}: HTTP {reply.status}: {text.decode(errors='replace')[:300]}")

    resources = {"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "20Gi"}
    status = {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [{"type": "Ready", "status": "True", "reason": "NoKubelet", "message": "a node without a kubelet"}],
    }
    for number in range(1, options.count + 1):
        name = f"extra-{number}"
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "avouch.dev/kubelet": "none",
        }
        call("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
        call("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, "application/strategic-merge-patch+json")
        # Admission taints every new node as not ready.
        call("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, "application/merge-patch+json")
    print(f"{options.count} nodes without a kubelet")


if __name__ == "__main__":
    main()
