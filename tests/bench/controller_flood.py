#!/usr/bin/env python3
"""What floods make a running controller hold, and whether agents still get through meanwhile.

    controller_flood.py HOST:PORT PID --token FILE --node NAME [--from ONE|MANY] [--seconds S]

Floods the HTTPS port from addresses of 127.0.0.0/8 (MANY: each connection from a network of its own), while a
client with an agent's token sends heartbeats; prints how many of these were answered by the appraiser, how long
they took, and the most memory that the process has had.
"""

import argparse
import asyncio
import json
import multiprocessing
import pathlib
import resource
import ssl
import time

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the head of a ClientHello that never ends
POST = b"POST /v1/nodes/node-1/evidence HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"


CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


class Flood:
    def __init__(self, options, address, opened):
        self.options, self.address, self.opened, self.number = options, address, opened, 0
        self.token = pathlib.Path(options.token).read_bytes().strip()

    def source(self):
        self.number += 1
        if self.options.source == "ONE":
            return ("127.0.0.2", 0)
        return (f"127.{1 + self.number // 60000}.{self.number // 250 % 250}.{self.number % 250 + 1}", 0)

    async def connect(self, tls):
        streams = await asyncio.wait_for(
            asyncio.open_connection(*self.address, local_addr=self.source(), ssl=CONTEXT if tls else None), 20)
        self.opened.value += 1
        return streams

    async def hold(self, tls, first, again, pause):
        """One connection, opened anew whenever it ends."""
        while True:
            try:
                reader, writer = await self.connect(tls)
                writer.write(first)
                while again and not reader.at_eof():
                    await writer.drain()
                    await asyncio.sleep(pause)
                    writer.write(again)
                await reader.read()
                writer.transport.abort()
            except (OSError, ssl.SSLError, asyncio.TimeoutError):
                await asyncio.sleep(0.05)

    async def agents_bodies(self):
        """What a node that was taken over may send: pieces of a runtime log, as its agent does."""
        head = (b"POST /v1/nodes/node-1/runtime-log?offset=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.token +
                b"\r\nContent-Length: 1048576\r\n\r\n")
        await self.hold(True, head + b"x" * 1_000_000, b"", 0)

    async def sessions(self):
        """TLS sessions, one after another."""
        await self.hold(True, b"GET /log/checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"", 0)


KINDS = {
    "4,000 silent connections": (4000, lambda flood: flood.hold(False, b"", b"", 0)),
    "4,000 half handshakes": (4000, lambda flood: flood.hold(False, HELLO, b"", 0)),
    "2,000 idle TLS connections": (2000, lambda flood: flood.hold(True, b"", b"", 0)),
    "400 half bodies": (400, lambda flood: flood.hold(True, POST % 65000 + b"\r\n" + b"[" * 60000, b"", 0)),
    "400 half bodies of 1 MB by an agent": (400, lambda flood: flood.agents_bodies()),
    "400 slow bodies": (400, lambda flood: flood.hold(True, POST % 65000 + b"\r\n", b"[" * 100, 0.5)),
    "400 long heads": (400, lambda flood: flood.hold(True, POST % 2 + b"X: ", b"x" * 4000, 0.05)),
    "TLS sessions by 64 at once": (64, lambda flood: flood.sessions()),
}


async def heartbeat(options, address, body, times):
    """Answered by the appraiser: it says 409 NotEnrolled, as this node has no TPM."""
    begin = time.monotonic()
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(*address, local_addr=("127.0.0.1", 0), ssl=CONTEXT), 10)
        token = pathlib.Path(options.token).read_text(encoding="ascii").strip()
        writer.write((f"POST /v1/nodes/{options.node}/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}").encode())
        answer = (await asyncio.wait_for(reader.read(), 10)).decode(errors="replace")
        writer.close()
    except (OSError, ssl.SSLError, asyncio.TimeoutError) as error:
        return type(error).__name__
    status = answer[9:12]
    if status in ("409", "422", "200"):
        times.append(time.monotonic() - begin)
    return status if status else "closed"


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return [int(status.split(name)[1].split()[0]) / 1024 for name in ("VmRSS:", "VmHWM:")]


def flood_process(options, address, name, opened):
    """In a process of its own, so that heartbeats wait for the controller alone."""
    count, use = KINDS[name]

    async def run():
        flood = Flood(options, address, opened)
        await asyncio.gather(*(use(flood) for _ in range(count)))

    asyncio.run(run())


async def phase(options, address, body, name):
    pathlib.Path(f"/proc/{options.pid}/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    times, answers, opened = [], {}, multiprocessing.Value("i", 0)
    flood = multiprocessing.Process(target=flood_process, args=(options, address, name, opened), daemon=True)
    if name in KINDS:
        flood.start()
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        answer = await heartbeat(options, address, body, times)
        answers[answer] = answers.get(answer, 0) + 1
        await asyncio.sleep(0.5)
    peak = memory(options.pid)[1]
    if name in KINDS:
        flood.kill()
        flood.join()
    times.sort()
    shown = f"p50 {times[len(times) // 2] * 1000:.0f} ms, max {times[-1] * 1000:.0f} ms" if times else "none in time"
    print(f"{name}: {opened.value} opened; heartbeats {answers}, {shown}; peak {peak:.0f} MiB", flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("pid", type=int)
    parser.add_argument("--token", required=True)
    parser.add_argument("--node", default="node-1")
    parser.add_argument("--uid", default="nodeuid")
    parser.add_argument("--from", dest="source", choices=("ONE", "MANY"), default="ONE")
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = options.address.rsplit(":", 1)
    quote = {"message": "AAAA", "signature": "AAAA", "beacon": {"origin": "x", "size": 1}}
    body = json.dumps({"nodeUID": options.uid, "quote": quote, "pcrs": [{"bank": "sha256", "index": 7, "digest": "00" * 32}]})
    print(f"from {options.source}: at first {memory(options.pid)[0]:.0f} MiB", flush=True)
    for name in ("no flood", *KINDS):
        await phase(options, (host, int(port)), body, name)


asyncio.run(main())
