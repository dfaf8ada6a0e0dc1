"""A small client of one node: one kept-alive connection per object."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from typing import Any


class Client:
    """Puts and gets records at one node. Not for use by two threads at once.

    @param address  host and port of the node
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=10)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def put(self, key: str, value: Any, version: int) -> None:
        """Stores `value`; raises RuntimeError when the node refuses it."""
        text = json.dumps({"value": value, "version": version}, ensure_ascii=False)
        status, answer = self._ask("PUT", key, text.encode())
        if status != 200:
            raise RuntimeError(f"PUT {key}: {status} {answer!r}")

    def get(self, key: str) -> tuple[Any, int] | None:
        """Returns value and version, or None where the node has none."""
        status, answer = self._ask("GET", key, None)
        if status == 404:
            return None
        if status != 200:
            raise RuntimeError(f"GET {key}: {status} {answer!r}")
        entry = json.loads(answer)
        return entry["value"], entry["version"]

    def _ask(self, method: str, key: str, body: bytes | None) -> tuple[int, bytes]:
        """Sends one request and reads its answer."""
        headers = {"Content-Type": "application/json"} if body else {}
        path = "/cache/" + urllib.parse.quote(key, safe="")
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()
