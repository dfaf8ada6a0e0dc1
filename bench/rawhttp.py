"""A connection that costs the machine little: raw bytes, no header objects."""

from __future__ import annotations

import re
import socket

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """One kept-alive connection to a node.

    @param address  host and port
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = f"{address[0]}:{address[1]}".encode()
        self.buffer = b""

    def fileno(self) -> int:
        """Lets a selector wait for this connection."""
        return self.socket.fileno()

    def send(self, method: bytes, path: bytes, body: bytes = b"") -> None:
        """Sends one request."""
        head = method + b" " + path + b" HTTP/1.1\r\nHost: " + self.host + b"\r\n"
        if body:
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self.socket.sendall(head + b"\r\n" + body)

    def receive(self) -> tuple[int, bytes]:
        """Waits for one answer and returns its status and body."""
        while True:
            answer = self._take()
            if answer is not None:
                return answer
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the node closed the connection")
            self.buffer += data

    def _take(self) -> tuple[int, bytes] | None:
        """Cuts one whole answer off the buffer."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = LENGTH.search(self.buffer, 0, end + 2)
        if length is None:
            raise ConnectionError(f"an answer without length: {self.buffer[:end]!r}")
        begin = end + 4
        rest = begin + int(length[1])
        if len(self.buffer) < rest:
            return None
        status, body = int(self.buffer[9:12]), self.buffer[begin:rest]
        self.buffer = self.buffer[rest:]
        return status, body

    def ask(self, method: bytes, path: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """Sends one request and waits for its answer."""
        self.send(method, path, body)
        return self.receive()

    def close(self) -> None:
        """Ends the connection."""
        self.socket.close()
