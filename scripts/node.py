"""Starts and stops nodes for the demo, the benchmarks and the API tests.

One `Node` is one process of build/panal on ports that the system chose. It is
ended by its own process id, and what it logged is kept until then.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time
from types import TracebackType

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build" / "panal"


class NodeError(RuntimeError):
    """A node that did not start, or did not end as it should."""


def temp_root() -> pathlib.Path:
    """Returns a folder on a real disk (a /tmp may be memory) for temp data."""
    folder = ROOT / "build" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Node:
    """A panal process that is started, waited for and stopped.

    @param name     the node id; also the name of its log and data folder
    @param folder   where the data and the log go
    @param options  further flags, without the leading dashes
    """

    def __init__(self, name: str, folder: pathlib.Path, **options: str) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        self.options = {
            "node-id": name,
            "http-host": "127.0.0.1",
            "http-port": "0",
            "data-dir": str(folder / name),
            "log-format": "json",
        }
        self.options.update({k.replace("_", "-"): v for k, v in options.items()})
        self.http = ""
        self.cluster = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.serving_after_s = 0.0

    @property
    def pid(self) -> int:
        """The process id; only while the node runs."""
        assert self.process is not None
        return self.process.pid

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that REST clients connect to."""
        host, port = self.http.rsplit(":", 1)
        return host, int(port)

    def start(self, deadline_s: float = 60.0) -> "Node":
        """Starts the process and returns once it logged that it serves.

        The ports it got are kept, so that a later start has them again.
        """
        arguments = [f"--{key}={value}" for key, value in self.options.items()]
        with open(self.log_path, "ab") as log:
            logged = log.tell()
            begun = time.monotonic()
            self.process = subprocess.Popen(
                [str(BINARY), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        serving = self._wait_serving(logged, begun + deadline_s)
        self.serving_after_s = time.monotonic() - begun
        self.http = serving["http"]
        self.options["http-port"] = self.http.rsplit(":", 1)[1]
        if serving.get("cluster") and "cluster-port" in self.options:
            self.cluster = serving["cluster"]
            self.options["cluster-port"] = self.cluster.rsplit(":", 1)[1]
        return self

    def _wait_serving(self, offset: int, deadline: float) -> dict[str, str]:
        """Reads the log from `offset` until the `serving` line is there."""
        assert self.process is not None
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            for line in self.log_from(offset).splitlines():
                event = parse_event(line)
                if event.get("event") == "serving":
                    return event
            if ended:
                raise NodeError(f"{self.name} ended at its start:\n{self.log_from(offset)}")
            time.sleep(0.002)
        self.kill()
        raise NodeError(f"{self.name} does not serve:\n{self.log_from(offset)}")

    def log_from(self, offset: int) -> str:
        """Returns what the node logged after the first `offset` bytes."""
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def alive(self) -> bool:
        """Tells whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Ends the process at once, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self, deadline_s: float = 30.0) -> int:
        """Asks the node to drain and end; returns its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NodeError(f"{self.name} ignored SIGTERM for {deadline_s:.0f} s") from None
        self.process = None
        return status

    def __enter__(self) -> "Node":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
        else:
            self.kill()


def parse_event(line: str) -> dict[str, str]:
    """Returns a JSON log line's fields, or nothing where it is not one."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def start_cluster(folder: pathlib.Path, size: int, **options: str) -> list[Node]:
    """Starts `size` nodes, each joining those before it, and returns them."""
    nodes: list[Node] = []
    try:
        for number in range(1, size + 1):
            node = Node(
                f"node{number}", folder, cluster_host="127.0.0.1", cluster_port="0", **options
            )
            if nodes:
                node.options["join"] = ",".join(n.cluster for n in nodes)
            nodes.append(node)
            node.start()
    except BaseException:
        stop_all(nodes)
        raise
    return nodes


def stop_all(nodes: list[Node]) -> None:
    """Ends every node that still runs: all are asked, then all are awaited."""
    for node in nodes:
        if node.alive():
            os.kill(node.pid, signal.SIGTERM)
    for node in nodes:
        try:
            node.stop()
        except NodeError:
            pass  # It was killed; there is nothing more to do for it.


def end_cleanly_on_sigterm() -> None:
    """Makes SIGTERM raise SystemExit, so that `finally` parts run."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
