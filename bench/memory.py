#!/usr/bin/env python3
"""Measures what an entry costs in memory, and what a full node costs.

Fills one node with 16-byte keys and 100-byte values, takes the resident
memory before and after, the processor time of a node that nobody asks, and
the time from its next start to its `serving` line.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
import time

import machine
import table
from servers import VALUE, nodes_of
from wrk import Load, Wrk

RSS_BAR_BYTES = 300
START_BAR_S = 5.0
IDLE_BAR_PERCENT = 1.0
CONNECTIONS = 64


def fill(node: nodes_of.Node, entries: int) -> float:
    """Puts so many entries; returns the seconds that took."""
    load = Load(
        "PUT",
        "/cache/",
        body=f'{{"value":"{VALUE}","version":@}}',
        keys=entries,
        key_width=16,
    )
    begun = time.monotonic()
    Wrk(CONNECTIONS).fill(f"http://{node.http}", load)
    return time.monotonic() - begun


def idle_percent(node: nodes_of.Node, seconds: float) -> float:
    """Returns how much of one core a node uses that nobody asks."""
    before, begun = machine.cpu_seconds([node.pid]), time.monotonic()
    time.sleep(seconds)  # What is measured is this time itself.
    used = machine.cpu_seconds([node.pid]) - before
    return 100 * used / (time.monotonic() - begun)


def folder_bytes(folder: pathlib.Path) -> int:
    """Returns what the files of a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(
    folder: pathlib.Path, arguments: argparse.Namespace
) -> tuple[list[list[str]], table.Verdict]:
    """Fills, stops and starts one node; returns the figures and the verdict."""
    entries = arguments.entries
    node = nodes_of.Node("node1", folder, durability=arguments.durability).start()
    try:
        empty = machine.rss_bytes(node.pid)
        filled_s = fill(node, entries)
        at_once = machine.rss_bytes(node.pid)
        machine.wait_quiet([node.pid], 300)
        full = machine.rss_bytes(node.pid)
        idle = idle_percent(node, arguments.idle_seconds)
        begun = time.monotonic()
        node.stop(60)
        stopped_s = time.monotonic() - begun
        node.start(300)
        machine.wait_quiet([node.pid], 300)
        loaded = machine.rss_bytes(node.pid)
    finally:
        node.kill()
    each, each_loaded = (full - empty) / entries, (loaded - empty) / entries
    rows = [
        ["entries", f"{entries:,}"],
        ["filled at", f"{entries / filled_s:,.0f}/s"],
        ["RSS empty", f"{empty / 2**20:,.1f} MiB"],
        ["RSS full, at once", f"{at_once / 2**20:,.1f} MiB"],
        ["RSS full, at rest", f"{full / 2**20:,.1f} MiB"],
        ["RSS after the next start", f"{loaded / 2**20:,.1f} MiB"],
        ["files", f"{folder_bytes(folder / 'node1') / 2**20:,.1f} MiB"],
        ["seconds to stop", f"{stopped_s:.2f}"],
    ]
    verdict = table.Verdict()
    verdict.at_most("RSS an entry", each, RSS_BAR_BYTES, "bytes")
    verdict.at_most("RSS an entry, after the next start", each_loaded, RSS_BAR_BYTES, "bytes")
    verdict.at_most("from exec to serving", node.serving_after_s, START_BAR_S, "s")
    verdict.at_most("idle CPU, of one core", idle, IDLE_BAR_PERCENT, "%")
    return rows, verdict


def options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="measures memory, start-up and idle cost")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--idle-seconds", type=float, default=10)
    parser.add_argument("--durability", default="disk", choices=["memory", "disk", "sync"])
    parser.add_argument("--strict", action="store_true", help="fail where a bar is missed")
    return parser.parse_args()


def main() -> int:
    """Measures and reports."""
    nodes_of.end_cleanly_on_sigterm()
    arguments = options()
    where = machine.describe()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=nodes_of.temp_root()) as folder:
        rows, verdict = measure(pathlib.Path(folder), arguments)
    print("## One node's memory: 16-byte keys, 100-byte values\n")
    print(f"{where};")
    print(
        f"data on {machine.filesystem(nodes_of.temp_root())}, durability={arguments.durability}\n"
    )
    table.show(["", "measured"], rows)
    verdict.show()
    return 1 if arguments.strict and verdict.missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench: {error}")
