#!/usr/bin/env python3
"""Three nodes, real records, one crash: do the nodes agree in the end?

Loads the ISO tables through all three nodes, reads everything back from the
other two of each, kills one node, changes records while it is away, starts it
again and waits until it agrees. Ends with a table; the exit status is 0 only
when no node differs from what was written.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

import node as nodes_of  # noqa: E402
from client import Client  # noqa: E402
from progress import Progress  # noqa: E402
from records import Records, load  # noqa: E402

CHANGED = 1000
THREADS_PER_NODE = 2
CONVERGE_DEADLINE_S = 30.0

# Key: what every node must answer for it, value and version.
Expected = dict[str, tuple[object, int]]
# One piece of work: a client of its node, and the keys it has to deal with.
Work = Callable[[Client, list[str]], int]


def in_parallel(jobs: Iterable[tuple[nodes_of.Node, list[str]]], work: Work) -> int:
    """Does `work` for each (node, keys) in threads; returns the sum of results."""
    parts = [
        (node, keys[part::THREADS_PER_NODE])
        for node, keys in jobs
        for part in range(THREADS_PER_NODE)
    ]

    def run(node: nodes_of.Node, keys: list[str]) -> int:
        client = Client(node.address)
        try:
            return work(client, keys)
        finally:
            client.close()

    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        return sum(pool.map(lambda part: run(*part), parts))


def spread(keys: list[str], nodes: list[nodes_of.Node]) -> list[tuple[nodes_of.Node, list[str]]]:
    """Gives each node its share of the keys."""
    return [(node, keys[place :: len(nodes)]) for place, node in enumerate(nodes)]


def others(keys: list[str], nodes: list[nodes_of.Node]) -> list[tuple[nodes_of.Node, list[str]]]:
    """Gives each node the keys that `spread` gave to the other ones."""
    return [
        (node, [key for place, key in enumerate(keys) if place % len(nodes) != index])
        for index, node in enumerate(nodes)
    ]


def write(nodes: list[nodes_of.Node], entries: Expected, label: str) -> int:
    """Puts the entries, spread over the nodes; returns how many."""
    progress = Progress(label, len(entries))

    def put_all(client: Client, keys: list[str]) -> int:
        for key in keys:
            client.put(key, *entries[key])
            progress.step()
        return len(keys)

    return in_parallel(spread(list(entries), nodes), put_all)


def agreeing(client: Client, key: str, wanted: tuple[object, int], deadline: float) -> bool:
    """Asks until the answer is the wanted one, or the deadline is over."""
    while client.get(key) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def read_others(nodes: list[nodes_of.Node], entries: Expected) -> int:
    """Reads each entry from the nodes it was not written to.

    Replication gets until the deadline to bring what is not there yet.
    @return how many answers were not what was written
    """
    jobs = others(list(entries), nodes)
    progress = Progress("reading back from the others", sum(len(keys) for _, keys in jobs))
    deadline = time.monotonic() + CONVERGE_DEADLINE_S

    def check_all(client: Client, keys: list[str]) -> int:
        wrong = 0
        for key in keys:
            wrong += not agreeing(client, key, entries[key], deadline)
            progress.step()
        return wrong

    return in_parallel(jobs, check_all)


def differing(nodes: list[nodes_of.Node], entries: Expected) -> int:
    """Compares every entry at every node once; returns how many differ."""
    progress = Progress("comparing all three nodes", len(nodes) * len(entries))

    def compare_all(client: Client, keys: list[str]) -> int:
        wrong = 0
        for key in keys:
            wrong += client.get(key) != entries[key]
            progress.step()
        return wrong

    return in_parallel([(node, list(entries)) for node in nodes], compare_all)


def changes(records: Records) -> Expected:
    """Picks the records to change and makes their next version."""
    chosen = random.Random(1).sample(sorted(records), CHANGED)
    return {key: ({**records[key], "changed": True}, 2) for key in chosen}


def seconds_to_converge(nodes: list[nodes_of.Node], entries: Expected) -> float:
    """Waits until every node has all entries; returns the time that took."""
    begun = time.monotonic()
    deadline = begun + CONVERGE_DEADLINE_S
    progress = Progress("waiting until all agree", len(nodes) * len(entries))

    def await_all(client: Client, keys: list[str]) -> int:
        late = 0
        for key in keys:
            late += not agreeing(client, key, entries[key], deadline)
            progress.step()
        return late

    late = in_parallel([(node, list(entries)) for node in nodes], await_all)
    if late:
        raise TimeoutError(f"{late} records do not agree after {CONVERGE_DEADLINE_S:.0f} s")
    return time.monotonic() - begun


def crash_and_return(nodes: list[nodes_of.Node], changed: Expected) -> float:
    """Kills the last node, changes records, starts it again, waits for all."""
    away = nodes[-1]
    away.kill()
    write(nodes[:-1], changed, f"changing records without {away.name}")
    away.start()
    return seconds_to_converge(nodes, changed)


def run(folder: pathlib.Path) -> int:
    """Does the whole demonstration; returns the process's exit status."""
    records = load()
    expected: Expected = {key: (record, 1) for key, record in records.items()}
    nodes = nodes_of.start_cluster(folder, 3)
    try:
        for node in nodes:
            print(f"{node.name}: http://{node.http}", file=sys.stderr)
        written = write(nodes, expected, "writing to three nodes")
        unread = read_others(nodes, expected)
        changed = changes(records)
        converged_s = crash_and_return(nodes, changed)
        expected.update(changed)
        wrong = unread + differing(nodes, expected)
    finally:
        nodes_of.stop_all(nodes)
    rows = [
        ("records written", f"{written:,}"),
        ("read back from the other two", f"{2 * written:,}"),
        ("changed while one node was killed", f"{len(changed):,}"),
        ("differing", f"{wrong:,}"),
        ("seconds to start again", f"{nodes[-1].serving_after_s:.2f}"),
        ("seconds to converge after that", f"{converged_s:.2f}"),
    ]
    for name, value in rows:
        print(f"  {name:<36}{value:>8}")
    return 1 if wrong else 0


def main() -> int:
    """Runs the demonstration in a folder that is gone afterwards."""
    nodes_of.end_cleanly_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="demo-", dir=nodes_of.temp_root()) as folder:
        try:
            return run(pathlib.Path(folder))
        except (RuntimeError, TimeoutError, OSError) as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
