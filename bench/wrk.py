"""Runs wrk with load.lua and reads its figures."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess

SCRIPT = pathlib.Path(__file__).resolve().parent / "load.lua"
# Versions start here, so that all have 14 digits; each run has its own range.
FIRST_RANGE = 10
RANGE = 10**12


@dataclasses.dataclass(frozen=True)
class Load:
    """What is asked of a server.

    @param body  the body of a PUT, `@` standing for the version; may be empty
    """

    method: str
    prefix: str
    suffix: str = ""
    body: str = ""
    keys: int = 100_000
    key_width: int = 8


@dataclasses.dataclass(frozen=True)
class Figures:
    """What wrk saw. `bad` counts answers other than 2xx and broken connections."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad: int

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


class Wrk:
    """One load generator: a thread, so many connections, ever higher versions."""

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.next_range = FIRST_RANGE

    def run(self, url: str, load: Load, seconds: int) -> Figures:
        """Loads `url` for `seconds`."""
        values = self._figures(url, load, seconds, 0, "RESULT")
        return Figures(
            requests=values["requests"],
            seconds=values["duration_us"] / 1e6,
            p50_ms=values["p50_us"] / 1e3,
            p99_ms=values["p99_us"] / 1e3,
            bad=values["refused"] + values["broken"],
        )

    def fill(self, url: str, load: Load) -> None:
        """Sends each key once (a few of them twice)."""
        enough = load.keys + 4 * self.connections
        values = self._figures(url, load, 3600, enough, "STOPPED")
        if values["refused"]:
            raise RuntimeError(f"{values['refused']} of {enough} writes were refused by {url}")

    def _figures(self, url: str, load: Load, seconds: int, stop: int, word: str) -> dict[str, int]:
        """Runs wrk and returns the numbers of the line that begins with `word`."""
        base = self.next_range * RANGE
        self.next_range += 1
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency"]
        command += ["-s", str(SCRIPT), url, "--", load.method, load.prefix, load.suffix or "-"]
        command += [str(load.keys), str(load.key_width), load.body or "-", str(base), str(stop)]
        ran = subprocess.run(command, capture_output=True, text=True)
        line = re.search(rf"^{word} (.*)$", ran.stdout, re.MULTILINE)
        if not line:
            raise RuntimeError(f"wrk said nothing of use:\n{ran.stdout}{ran.stderr}")
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line[1])}
