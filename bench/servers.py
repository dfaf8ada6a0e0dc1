"""The servers that are compared: each started alone, in a folder of its own."""

from __future__ import annotations

import abc
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

import node as nodes_of  # noqa: E402
from wrk import Load  # noqa: E402

# 100 bytes that no server has to escape.
VALUE = "".join("abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(100))
START_DEADLINE_S = 20.0


def free_port() -> int:
    """Returns a port that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_answering(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Returns once `path` is answered with 200."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if fetch(("127.0.0.1", port), path)[0] == 200:
                return
        except OSError:
            pass  # It does not listen yet.
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not answer")


def fetch(address: tuple[str, int], path: str) -> tuple[int, bytes]:
    """Returns status and body of one GET."""
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Ends a process that we started, and waits for it."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server(abc.ABC):
    """One of the compared servers.

    name, note: what the table calls it; get, put: how it is loaded.
    """

    name: str
    note: str
    get: Load
    put: Load | None = None

    @abc.abstractmethod
    def start(self, folder: pathlib.Path) -> None:
        """Starts it with its files in `folder`; returns when it answers."""

    def filled(self) -> None:
        """Called once every key is there, before the load."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends it."""

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """Where it listens."""

    @property
    @abc.abstractmethod
    def pids(self) -> list[int]:
        """Its processes; their descendants count too."""


class Panal(Server):
    """Our node, alone, keeping what it acknowledges."""

    name = "panal"
    get = Load("GET", "/cache/key-")
    put = Load("PUT", "/cache/key-", body=f'{{"value":"{VALUE}","version":@}}')

    def __init__(self, durability: str) -> None:
        self.durability = durability
        self.sample = b""  # The body of a GET's answer.
        self.note = f"durability={durability}"

    def start(self, folder: pathlib.Path) -> None:
        self.node = nodes_of.Node("node1", folder, durability=self.durability).start()

    def stop(self) -> None:
        self.node.stop()

    @property
    def url(self) -> str:
        return f"http://{self.node.http}"

    @property
    def pids(self) -> list[int]:
        return [self.node.pid]

    def filled(self) -> None:
        status, self.sample = fetch(self.node.address, f"{self.get.prefix}{0:08}")
        if status != 200:
            raise RuntimeError(f"the first key is answered with {status}")


class Nginx(Server):
    """nginx answering our GET's body without looking anything up."""

    name = "nginx"
    get = Load("GET", "/cache/key-")

    def __init__(self, panal: Panal, workers: int) -> None:
        self.panal = panal
        self.workers = workers
        self.note = f"return 200 of the same bytes, {workers} worker"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, folder: pathlib.Path) -> None:
        self.port = free_port()
        text = self.panal.sample.decode()
        if any(sign in text for sign in "'$\\"):
            raise RuntimeError("the answer has a sign that nginx would read")
        config = folder / "nginx.conf"
        config.write_text(
            NGINX_CONFIG.format(workers=self.workers, port=self.port, folder=folder, body=text)
        )
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        if not program:
            raise RuntimeError("nginx is not installed: scripts/deps bench")
        command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_answering(self.port, "/", self.process)

    def stop(self) -> None:
        end(self.process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid]


NGINX_CONFIG = """daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 '{body}'; }}
  }}
}}
"""


class Webdis(Server):
    """Redis, which keeps nothing here, with Webdis as its HTTP side."""

    name = "webdis"
    get = Load("GET", "/GET/key-")
    # Two spellings of a write; which one is faster is measured.
    put_forms = {
        "PUT /SET/key with a body": Load("PUT", "/SET/key-", body=VALUE),
        "GET /SET/key/value": Load("GET", "/SET/key-", suffix=f"/{VALUE}"),
    }
    put = put_forms["PUT /SET/key with a body"]

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.note = f"{threads} threads, redis without persistence"
        self.redis: subprocess.Popen[bytes] | None = None
        self.webdis: subprocess.Popen[bytes] | None = None

    def start(self, folder: pathlib.Path) -> None:
        redis_port, self.port = free_port(), free_port()
        command = ["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder), "--daemonize", "no"]
        self.redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        config = folder / "webdis.json"
        config.write_text(json.dumps(self._config(redis_port, folder)))
        self.webdis = subprocess.Popen(["webdis", str(config)], stderr=subprocess.DEVNULL)
        wait_answering(self.port, "/PING", self.webdis)

    def _config(self, redis_port: int, folder: pathlib.Path) -> dict[str, object]:
        """Returns Webdis's own options."""
        return {
            "redis_host": "127.0.0.1",
            "redis_port": redis_port,
            "http_host": "127.0.0.1",
            "http_port": self.port,
            "threads": self.threads,
            "pool_size": 20,
            "daemonize": False,
            "database": 0,
            "verbosity": 0,
            "logfile": str(folder / "webdis.log"),
        }

    def stop(self) -> None:
        end(self.webdis)
        end(self.redis)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        assert self.redis is not None and self.webdis is not None
        return [self.redis.pid, self.webdis.pid]
