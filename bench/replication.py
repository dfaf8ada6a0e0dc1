#!/usr/bin/env python3
"""Measures how soon a write at one node can be read at the other two.

One process writes at node1, paced. From the moment a sampled write is
answered, one process per other node asks for its key until the version shows.
The delay includes handing the sample to that process, so it is an upper bound.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import pathlib
import re
import selectors
import statistics
import struct
import sys
import tempfile
import time
from multiprocessing.connection import Connection as Pipe

import machine
import table
from rawhttp import Connection
from servers import VALUE, nodes_of

KEYS = 10_000
WRITER_CONNECTIONS = 16
P99_BAR_MS = 10.0
GIVE_UP_NS = 5_000_000_000
POLL_PAUSE_S = 0.0002
VERSION = re.compile(rb'"version":(\d+)')
# What the writer tells a reader: the write's number, when it was answered.
SAMPLE = struct.Struct("<qq")
# What a reader found: the delays in ms, and how many samples never showed.
Findings = tuple[list[float], int]


def path_of(number: int) -> bytes:
    """Returns the path that the write of this number goes to."""
    return b"/cache/replicated-%d" % (number % KEYS)


class Writer:
    """Writes at a fixed rate, whatever the answers take, and counts.

    @param readers  pipes that are told of every so-many-th write
    """

    def __init__(self, address: tuple[str, int], readers: list[Pipe], sample_every: int) -> None:
        self.selector = selectors.DefaultSelector()
        # Used in turn: a node closes a connection that is never asked anything.
        self.idle = collections.deque(Connection(address) for _ in range(WRITER_CONNECTIONS))
        for connection in self.idle:
            self.selector.register(connection, selectors.EVENT_READ, connection)
        self.under_way: dict[Connection, int] = {}
        self.readers = readers
        self.sample_every = sample_every
        self.sent = self.refused = self.late = 0

    def run(self, rate: int, seconds: float) -> float:
        """Writes `rate` a second for `seconds`; returns the rate it reached."""
        begun = time.monotonic()
        total = int(rate * seconds)
        while self.sent < total or self.under_way:
            due = min(total, int((time.monotonic() - begun) * rate) + 1)
            self._send_due(due)
            next_at = begun + self.sent / rate
            wait = next_at - time.monotonic() if self.sent < total and self.idle else 1.0
            self._read_answers(max(wait, 0.0))
        return self.sent / (time.monotonic() - begun)

    def _send_due(self, due: int) -> None:
        """Sends what should have been sent by now, as far as connections go."""
        while self.sent < due and self.idle:
            self.sent += 1
            connection = self.idle.popleft()
            body = b'{"value":"%s","version":%d}' % (VALUE.encode(), self.sent)
            connection.send(b"PUT", path_of(self.sent), body)
            self.under_way[connection] = self.sent
        self.late += self.sent < due

    def _read_answers(self, wait_s: float) -> None:
        """Takes the answers that came, and passes the sampled ones on."""
        for ready, _ in self.selector.select(wait_s):
            connection = ready.data
            status, _ = connection.receive()
            answered_ns = time.monotonic_ns()
            number = self.under_way.pop(connection)
            self.idle.append(connection)
            if status != 200:
                self.refused += 1
            elif number % self.sample_every == 0:
                for pipe in self.readers:
                    pipe.send_bytes(SAMPLE.pack(number, answered_ns))


def delay_ns(connection: Connection, number: int, answered_ns: int) -> int | None:
    """Asks until the write of this number shows; None when it does not."""
    while True:
        status, body = connection.ask(b"GET", path_of(number))
        now_ns = time.monotonic_ns()
        version = VERSION.search(body) if status == 200 else None
        if version and int(version[1]) >= number:
            return now_ns - answered_ns
        if now_ns - answered_ns > GIVE_UP_NS:
            return None
        time.sleep(POLL_PAUSE_S)


def read_samples(address: tuple[str, int], samples: Pipe, results: Pipe) -> None:
    """The process of one reader: measures every sample it is told of."""
    connection = Connection(address)
    delays: list[float] = []
    missing = 0
    results.send("ready")
    try:
        while True:
            number, answered_ns = SAMPLE.unpack(samples.recv_bytes())
            delay = delay_ns(connection, number, answered_ns)
            if delay is None:
                missing += 1
            else:
                delays.append(delay / 1e6)
    except EOFError:
        results.send((delays, missing))
    finally:
        connection.close()


class Reader:
    """A process that watches one node for the sampled writes."""

    def __init__(self, address: tuple[str, int]) -> None:
        samples, self.samples = multiprocessing.Pipe(duplex=False)
        self.results, results = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(
            target=read_samples, args=(address, samples, results), daemon=True
        )
        self.process.start()
        samples.close()
        results.close()
        self.results.recv()

    def finish(self) -> Findings:
        """Ends the process; returns delays in ms and how many never showed."""
        self.samples.close()
        found = self.results.recv()
        self.process.join()
        return found


def percentile(sorted_values: list[float], share: float) -> float:
    """Returns the value that `share` of the values do not exceed."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def row(name: str, delays: list[float]) -> list[str]:
    """Returns the table's row for one reader's delays."""
    ordered = sorted(delays)
    figures = [statistics.median(ordered), percentile(ordered, 0.99), ordered[-1]]
    return [name, f"{len(ordered):,}", *(f"{figure:.2f}" for figure in figures)]


def measure(
    nodes: list[nodes_of.Node], arguments: argparse.Namespace
) -> tuple[Writer, float, list[Findings]]:
    """Runs writer and readers; returns the writer, its rate, the findings."""
    readers = [Reader(node.address) for node in nodes[1:]]
    writer = Writer(
        nodes[0].address, [reader.samples for reader in readers], arguments.sample_every
    )
    rate = writer.run(arguments.rate, arguments.seconds)
    return writer, rate, [reader.finish() for reader in readers]


def report(writer: Writer, rate: float, found: list[Findings], where: str, strict: bool) -> int:
    """Prints the tables; returns the exit status."""
    print(f"## A write at node1, readable at the others, at {rate:,.0f} writes/s\n")
    print(f"{where};")
    print("three nodes, with the writer and the readers on the same machine\n")
    every = [delay for delays, _ in found for delay in delays]
    missing = sum(missing for _, missing in found)
    if not every:
        print("no sampled write ever showed", file=sys.stderr)
        return 1
    rows = [row(f"node{place + 2}", delays) for place, (delays, _) in enumerate(found) if delays]
    table.show(["read at", "samples", "p50 ms", "p99 ms", "max ms"], [*rows, row("both", every)])
    verdict = table.Verdict()
    verdict.at_most("p99 of both", percentile(sorted(every), 0.99), P99_BAR_MS, "ms")
    verdict.show()
    if writer.refused or missing:
        print(f"{writer.refused} writes refused, {missing} samples never showed", file=sys.stderr)
    return 1 if writer.refused or missing or (strict and verdict.missed) else 0


def options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="measures the delay of replication")
    parser.add_argument("--rate", type=int, default=2000, help="writes a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--sample-every", type=int, default=20)
    parser.add_argument("--durability", default="disk", choices=["memory", "disk", "sync"])
    parser.add_argument("--strict", action="store_true", help="fail where the bar is missed")
    return parser.parse_args()


def main() -> int:
    """Starts three nodes, measures, reports."""
    nodes_of.end_cleanly_on_sigterm()
    arguments = options()
    where = machine.describe()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=nodes_of.temp_root()) as folder:
        nodes = nodes_of.start_cluster(pathlib.Path(folder), 3, durability=arguments.durability)
        try:
            await_links(nodes)
            writer, rate, found = measure(nodes, arguments)
        finally:
            nodes_of.stop_all(nodes)
    return report(writer, rate, found, where, arguments.strict)


def await_links(nodes: list[nodes_of.Node]) -> None:
    """Returns once a first write at node1 is readable at the others."""
    first = Connection(nodes[0].address)
    first.ask(b"PUT", path_of(0), b'{"value":0,"version":0}')
    answered_ns = time.monotonic_ns()
    for node in nodes[1:]:
        if delay_ns(Connection(node.address), 0, answered_ns) is None:
            raise RuntimeError(f"{node.name} is not replicated to")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench: {error}")
