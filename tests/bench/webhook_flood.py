#!/usr/bin/env python3
"""What a flood makes a running webhook (or any of our HTTPS servers) hold: opens many connections to it,
sends large bodies, whole and half, and prints the most memory that its process has had.

    webhook_flood.py HOST:PORT PID
"""

import pathlib
import resource
import socket
import ssl
import sys
import threading
import time

HEAD = b"POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BIG = 2_900_000


def half_a_body(stream):
    stream.sendall(HEAD % 3_000_000 + b"[" * BIG)
    time.sleep(6)


def costly_bodies(stream):
    body = (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","object":{"a":['
            + b"1," * (BIG // 2) + b"1]}}}")
    for _ in range(3):
        stream.sendall(HEAD % len(body) + body)
        stream.recv(65536)


def connections(address, count, use):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def run():
        try:
            use(context.wrap_socket(socket.create_connection(address, timeout=10)))
        except OSError:
            pass  # the server has made room for others

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def peak_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"before: {peak_kib(sys.argv[2]) / 1024:.0f} MiB at most")
    for what, count, use in (("1000 idle connections", 1000, lambda _: time.sleep(8)),
                             ("420 half-sent bodies of 2.9 MB", 420, half_a_body),
                             ("32 x 3 bodies that are costly to read", 32, costly_bodies),
                             ("3000 idle connections", 3000, lambda _: time.sleep(8))):
        connections((host, int(port)), count, use)
        print(f"{what}: {peak_kib(sys.argv[2]) / 1024:.0f} MiB at most so far")


main()
