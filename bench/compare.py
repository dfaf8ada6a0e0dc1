#!/usr/bin/env python3
"""Loads our node, nginx and Redis behind Webdis, each alone, and compares.

Every round starts each server afresh, writes every key once, waits until it
has come to rest, and loads it with GET and then with PUT. The tables show the
medians over the rounds. nginx answers the very bytes that our GET answered,
without looking anything up.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import machine
import table
from servers import Nginx, Panal, Server, Webdis, nodes_of
from wrk import Figures, Load, Wrk

GET_NGINX_BAR = 0.80
GET_WEBDIS_BAR = 1.6
PUT_WEBDIS_BAR = 1.2
TRIAL_S = 2


@dataclasses.dataclass(frozen=True)
class Cell:
    """One server under one load once.

    @param figures         what wrk saw
    @param cpu_us          what a request cost the server
    @param others_percent  of one core, what neither server nor wrk used: where
                           it is not about 0, somebody else was measured too
    """

    figures: Figures
    cpu_us: float
    others_percent: float


# By server and method, in the order of the rounds.
Results = dict[tuple[str, str], list[Cell]]


def measure(wrk: Wrk, server: Server, load: Load, seconds: int) -> Cell:
    """Loads a running server; returns what was seen on both sides."""
    all_before, wrk_before = machine.busy_seconds(), machine.children_seconds()
    begun, before = time.monotonic(), machine.cpu_seconds(server.pids)
    figures = wrk.run(server.url, load, seconds)
    used = machine.cpu_seconds(server.pids) - before
    wrk_used = machine.children_seconds() - wrk_before
    others = machine.busy_seconds() - all_before - wrk_used - used
    return Cell(
        figures,
        cpu_us=used / max(figures.requests, 1) * 1e6,
        others_percent=100 * max(others, 0) / (time.monotonic() - begun),
    )


def pick_webdis_form(wrk: Wrk, webdis: Webdis, folder: pathlib.Path) -> str:
    """Finds out which spelling of SET Webdis answers faster, and takes it."""
    webdis.start(folder)
    try:
        rates = {
            form: measure(wrk, webdis, load, TRIAL_S).figures.per_second
            for form, load in webdis.put_forms.items()
        }
    finally:
        webdis.stop()
    best = max(rates, key=lambda form: rates[form])
    webdis.put = webdis.put_forms[best]
    trial = ", ".join(f"{form}: {rate:,.0f}/s" for form, rate in rates.items())
    return f"{best} (tried once: {trial})"


def one_server(
    wrk: Wrk, server: Server, seconds: int, results: Results, folder: pathlib.Path
) -> None:
    """Starts a server, fills it, loads it with what it understands, ends it."""
    server.start(folder)
    try:
        if server.put:
            wrk.fill(server.url, server.put)
        server.filled()
        machine.wait_quiet(server.pids)
        for method, load in (("GET", server.get), ("PUT", server.put)):
            if load:
                cell = measure(wrk, server, load, seconds)
                results.setdefault((server.name, method), []).append(cell)
                print(
                    f"  {server.name} {method}: {cell.figures.per_second:,.0f}/s", file=sys.stderr
                )
    finally:
        server.stop()


def rounds(wrk: Wrk, servers: list[Server], arguments: argparse.Namespace) -> Results:
    """Measures every server in every round."""
    results: Results = {}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
        for server in servers:
            with tempfile.TemporaryDirectory(prefix="bench-", dir=nodes_of.temp_root()) as folder:
                one_server(wrk, server, arguments.seconds, results, pathlib.Path(folder))
    return results


def median(cells: list[Cell], pick: Callable[[Cell], float]) -> float:
    """Returns the median of one figure over the rounds."""
    return statistics.median(pick(cell) for cell in cells)


def rate(cell: Cell) -> float:
    """Picks the requests answered in a second."""
    return cell.figures.per_second


def show(results: Results, servers: list[Server]) -> None:
    """Prints the medians, and the range of the rates, of each cell."""
    rows = []
    for method in ("GET", "PUT"):
        for server in servers:
            cells = results.get((server.name, method))
            if cells:
                rows.append(row(f"{method} {server.name} ({server.note})", cells))
    header = [
        "server",
        "requests/s",
        "lowest",
        "highest",
        "p50 ms",
        "p99 ms",
        "CPU us/request",
        "not 2xx",
        "others' CPU %",
    ]
    table.show(header, rows)


def row(label: str, cells: list[Cell]) -> list[str]:
    """Returns the table's row of one cell's rounds."""
    rates = [rate(cell) for cell in cells]
    return [
        label,
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f}",
        f"{max(rates):,.0f}",
        f"{median(cells, lambda cell: cell.figures.p50_ms):.2f}",
        f"{median(cells, lambda cell: cell.figures.p99_ms):.2f}",
        f"{median(cells, lambda cell: cell.cpu_us):.1f}",
        str(sum(cell.figures.bad for cell in cells)),
        f"{max(cell.others_percent for cell in cells):.0f}",
    ]


def judge(results: Results) -> table.Verdict:
    """Compares the medians with what our node has to reach."""
    rates = {cell: median(cells, rate) for cell, cells in results.items()}
    verdict = table.Verdict()
    verdict.at_least(
        "GET panal/nginx", rates["panal", "GET"] / rates["nginx", "GET"], GET_NGINX_BAR
    )
    verdict.at_least(
        "GET panal/webdis", rates["panal", "GET"] / rates["webdis", "GET"], GET_WEBDIS_BAR
    )
    verdict.at_least(
        "PUT panal/webdis SET", rates["panal", "PUT"] / rates["webdis", "PUT"], PUT_WEBDIS_BAR
    )
    return verdict


def options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="compares requests/s with nginx and webdis")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6, help="of load in each cell")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--durability", default="disk", choices=["memory", "disk", "sync"])
    parser.add_argument("--nginx-workers", type=int, default=1)
    parser.add_argument("--webdis-threads", type=int, default=2)
    parser.add_argument("--strict", action="store_true", help="fail where a bar is missed")
    return parser.parse_args()


def main() -> int:
    """Measures and reports; fails when an answer was not 2xx."""
    nodes_of.end_cleanly_on_sigterm()
    arguments = options()
    where = machine.describe()
    wrk = Wrk(arguments.connections)
    webdis = Webdis(arguments.webdis_threads)
    panal = Panal(arguments.durability)
    servers: list[Server] = [panal, Nginx(panal, arguments.nginx_workers), webdis]
    with tempfile.TemporaryDirectory(prefix="bench-", dir=nodes_of.temp_root()) as folder:
        form = pick_webdis_form(wrk, webdis, pathlib.Path(folder))
    results = rounds(wrk, servers, arguments)
    print(
        f"## {arguments.connections} connections kept alive, 1 load thread, 100,000 keys, 100-byte values"
    )
    print(f"\n{where}; {arguments.rounds} rounds of {arguments.seconds} s, medians;")
    print(f"data on {machine.filesystem(nodes_of.temp_root())}; Webdis writes: {form}\n")
    show(results, servers)
    verdict = judge(results)
    verdict.show()
    bad = sum(cell.figures.bad for cells in results.values() for cell in cells)
    if bad:
        print(f"{bad} answers were not 2xx, or connections broke", file=sys.stderr)
    return 1 if bad or (arguments.strict and verdict.missed) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench: {error}")
