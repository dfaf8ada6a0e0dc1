#!/usr/bin/env python3
"""The three containers of docker-compose.yml: up, down, and do they work?

    scripts/containers.py up      prepares ./data, builds, starts, waits
    scripts/containers.py down    stops them; ./data stays
    scripts/containers.py check   does it all in a folder of its own, and
                                  checks what a user counts on

`check` needs ports 8001 to 8003. Builds with the legacy builder where docker
has no buildx; takes `docker compose` or `docker-compose`, whichever is there.
"""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
NODES = ("node1", "node2", "node3")
PORTS = dict(zip(NODES, (8001, 8002, 8003)))
# Containers do not run as root, not even when root starts them.
UNPRIVILEGED = 10001
HEALTHY_DEADLINE_S = 120.0
REPLICATED_DEADLINE_S = 10.0


class CheckError(RuntimeError):
    """Something that a user counts on and that is not so."""


def output_of(command: list[str]) -> str:
    """Runs a command; returns what it printed, or raises CheckError."""
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if ran.returncode != 0:
        raise CheckError(f"{' '.join(command)}: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout.strip()


def succeeds(command: list[str]) -> bool:
    """Tells whether a command can be run and exits with 0."""
    try:
        return subprocess.run(command, capture_output=True, cwd=ROOT).returncode == 0
    except FileNotFoundError:
        return False


def await_true(what: str, condition: Callable[[], bool], deadline_s: float) -> float:
    """Returns how long it took until `condition` held."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > deadline_s:
            raise CheckError(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - begun


class Cluster:
    """The three containers, with their data in one folder.

    @param data     where the nodes' folders and the secret are
    @param project  compose's name for the whole
    """

    def __init__(self, data: pathlib.Path, project: str) -> None:
        self.data = data
        self.project = project
        self.uid = os.getuid() or UNPRIVILEGED
        self.gid = os.getgid() or UNPRIVILEGED
        os.environ["PANAL_DATA"] = str(data)
        os.environ["PANAL_UID"] = str(self.uid)
        os.environ["PANAL_GID"] = str(self.gid)

    def prepare(self) -> None:
        """Makes the nodes' folders and, once, the cluster's secret."""
        for name in NODES:
            (self.data / name).mkdir(parents=True, exist_ok=True)
        secret = self.data / "secret"
        if not secret.exists():
            secret.touch(0o600)
            secret.write_text(secrets.token_hex(32) + "\n")
        if os.getuid() == 0:
            for path in (secret, *(self.data / name for name in NODES)):
                os.chown(path, self.uid, self.gid)

    def build(self) -> None:
        """Builds the image, showing what the builder says."""
        if not succeeds(["docker", "buildx", "version"]):
            os.environ["DOCKER_BUILDKIT"] = "0"
        extra = os.environ.get("DOCKER_BUILD_OPTIONS", "").split()
        subprocess.run(["docker", "build", "-t", "panal", *extra, "."], cwd=ROOT, check=True)

    def compose(self, *arguments: str) -> str:
        """Runs compose with the given arguments; returns what it printed."""
        command = ["docker", "compose"]
        if not succeeds([*command, "version"]):
            command = ["docker-compose"]
        return output_of([*command, "-p", self.project, *arguments])

    def start(self) -> None:
        """Starts all three and waits until each says that it is healthy."""
        self.compose("up", "-d", "--no-build")
        for name in NODES:
            self.await_healthy(name)

    def container(self, name: str) -> str:
        """Returns the id of a node's container, running or not."""
        return output_of(
            ["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}"]
            + ["--filter", f"label=com.docker.compose.service={name}"]
        )

    def state(self, name: str) -> dict[str, Any]:
        """Returns docker's view of a node: Status, Health, ExitCode ..."""
        return json.loads(
            output_of(["docker", "inspect", "-f", "{{json .State}}", self.container(name)])
        )

    def await_healthy(self, name: str) -> None:
        """Returns once docker's health check of a node passes."""

        def healthy() -> bool:
            state = self.state(name)
            if state["Status"] == "exited":
                raise CheckError(f"{name} ended:\n{self.compose('logs', name)}")
            return state.get("Health", {}).get("Status") == "healthy"

        await_true(f"{name} healthy", healthy, HEALTHY_DEADLINE_S)

    def inside(self, name: str, *command: str) -> list[str]:
        """Returns the command that runs `command` in a node's container."""
        return ["docker", "exec", self.container(name), *command]


def url(name: str, key: str) -> str:
    """Returns where a key is at a node."""
    return f"http://127.0.0.1:{PORTS[name]}/cache/{key}"


def put(name: str, key: str, value: str, version: int) -> None:
    """Writes at a node."""
    body = json.dumps({"value": value, "version": version}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url(name, key), body, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=5) as response:
        if response.status != 200:
            raise CheckError(f"PUT at {name}: {response.status}")


def shows(name: str, key: str, value: str) -> Callable[[], bool]:
    """Returns a condition: a node answers this value for the key."""

    def condition() -> bool:
        try:
            with urllib.request.urlopen(url(name, key), timeout=5) as response:
                return json.load(response)["value"] == value
        except urllib.error.HTTPError as error:
            error.close()
            return False

    return condition


def say(text: str) -> None:
    """Reports one passed step."""
    print(f"ok: {text}", flush=True)


def check_confined(cluster: Cluster) -> None:
    """No root, and nothing writable but /data."""
    for name in NODES:
        if output_of(cluster.inside(name, "id", "-u")) == "0":
            raise CheckError(f"{name} runs as root")
        if succeeds(cluster.inside(name, "touch", "/usr/local/written")):
            raise CheckError(f"{name} can write outside /data")
        if not list((cluster.data / name).iterdir()):
            raise CheckError(f"{name} keeps nothing in its mounted folder")
    say("no root, a read-only file system, data in the mounted folders")


def check_replicated(cluster: Cluster) -> None:
    """What is written at node1 is read at the others."""
    put("node1", "greeting", "kaixo", 1)
    took = await_true(
        "a write at node1 read at node3", shows("node3", "greeting", "kaixo"), REPLICATED_DEADLINE_S
    )
    await_true(
        "a write at node1 read at node2", shows("node2", "greeting", "kaixo"), REPLICATED_DEADLINE_S
    )
    say(f"written at http://localhost:8001, read at http://localhost:8003 ({1000 * took:.0f} ms)")


def check_stopped_and_back(cluster: Cluster) -> None:
    """A stopped node ends by itself with 0, and learns what it missed."""
    cluster.compose("stop", "node2")
    expect_exit_0(cluster, "node2")
    put("node1", "greeting", "agur", 2)
    cluster.compose("start", "node2")
    cluster.await_healthy("node2")
    took = await_true(
        "node2 learns what it missed", shows("node2", "greeting", "agur"), REPLICATED_DEADLINE_S
    )
    say(
        f"stopped with exit status 0, started, has what it missed ({1000 * took:.0f} ms after it was healthy)"
    )


def expect_exit_0(cluster: Cluster, name: str) -> None:
    """A stopped container drained by itself."""
    code = cluster.state(name)["ExitCode"]
    if code != 0:
        raise CheckError(f"{name} ended with {code}:\n{cluster.compose('logs', name)}")


def check(folder: pathlib.Path) -> None:
    """Builds, starts, checks and removes three containers."""
    cluster = Cluster(folder, f"panal-check-{os.getpid()}")
    cluster.prepare()
    cluster.build()
    try:
        cluster.start()
        say("three containers, all healthy")
        check_confined(cluster)
        check_replicated(cluster)
        check_stopped_and_back(cluster)
        cluster.compose("stop")
        for name in NODES:
            expect_exit_0(cluster, name)
        say("all three drained on SIGTERM, exit status 0")
    except CheckError:
        print(cluster.compose("logs", "--tail", "20"), file=sys.stderr)
        raise
    finally:
        cluster.compose("down", "-v")


def main() -> int:
    """Does what the one argument says."""
    action = sys.argv[1] if len(sys.argv) == 2 else ""
    if action not in ("up", "down", "check"):
        sys.exit(__doc__)
    try:
        if not shutil.which("docker"):
            raise CheckError("docker is not installed")
        if action == "check":
            with tempfile.TemporaryDirectory(prefix="panal-check-") as folder:
                os.chmod(folder, 0o755)
                check(pathlib.Path(folder))
            return 0
        cluster = Cluster(ROOT / "data", "panal")
        cluster.prepare()
        if action == "down":
            cluster.compose("down")
            return 0
        cluster.build()
        cluster.start()
        print("\n".join(f"{name}: http://localhost:{port}" for name, port in PORTS.items()))
        return 0
    except (CheckError, OSError, subprocess.CalledProcessError) as error:
        print(f"containers: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
