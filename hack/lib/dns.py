#!/usr/bin/env python3
"""Keeps a hosts file of a cluster's service names and a DNS server that serves it.

Looks at Services and Endpoints once a second, writes HOSTS when they changed,
and tells the server (the command after --) to read it again.
"""

import argparse
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse

DOMAIN = "svc.cluster.local"


def records(services, endpoints):
    """Hosts lines: cluster IPs, and for headless services each ready address."""
    lines = set()
    headless = set()
    for item in services:
        name = f"{item['metadata']['name']}.{item['metadata']['namespace']}"
        address = item["spec"].get("clusterIP")
        if address == "None":
            headless.add(name)
        elif address:
            lines.add(f"{address} {name}.{DOMAIN}")
    for item in endpoints:
        name = f"{item['metadata']['name']}.{item['metadata']['namespace']}"
        if name not in headless:
            continue
        for subset in item.get("subsets") or []:
            for address in subset.get("addresses") or []:
                lines.add(f"{address['ip']} {name}.{DOMAIN}")
                if address.get("hostname"):
                    lines.add(f"{address['ip']} {address['hostname']}.{name}.{DOMAIN}")
    return "".join(line + "\n" for line in sorted(lines))


class Api:
    def __init__(self, url, context):
        self.host = urllib.parse.urlsplit(url).netloc
        self.context = context
        self.connection = None

    def list(self, path):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.host, context=self.context, timeout=10)
            # resourceVersion=0: from the API server's cache.
            self.connection.request("GET", f"/api/v1/{path}?resourceVersion=0")
            reply = self.connection.getresponse()
            body = reply.read()
            if reply.status != 200:
                raise OSError(f"{path}: HTTP {reply.status}")
            return json.loads(body)["items"]
        except (OSError, http.client.HTTPException, ValueError):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("api", "ca", "cert", "key", "hosts"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("server", nargs="+", help="command that runs the DNS server in the foreground")
    options = parser.parse_args()

    context = ssl.create_default_context(cafile=options.ca)
    context.load_cert_chain(options.cert, options.key)
    api = Api(options.api, context)
    # A signal that comes before the server has its handler must not end it: it reads the file after that anyway.
    server = subprocess.Popen(options.server, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    known = None
    try:
        while server.poll() is None:
            try:
                text = records(api.list("services"), api.list("endpoints"))
                if text != known:
                    with open(options.hosts + ".new", "w", encoding="ascii") as file:
                        file.write(text)
                    os.chmod(options.hosts + ".new", 0o644)
                    os.replace(options.hosts + ".new", options.hosts)
                    server.send_signal(signal.SIGHUP)
                    known = text
            except (OSError, http.client.HTTPException, ValueError) as error:
                print(f"cannot list services: {error}", flush=True)
            time.sleep(1)
        sys.exit(f"the DNS server ended with {server.returncode}")
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
