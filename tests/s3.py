"""An S3-compatible server on this machine, and a gate before it at which uploads can come to grief."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

PIECE = 2**16
HALF = 2000  # bytes of a block that go through


@dataclass
class Gate:
    """A door to the server that lets everything through, but for the uploads of blocks that it is told to harm.

    Attributes:
        harms: what to do to the next ones: "hold" stops after half the body until `release` or the sender's end, "cut"
            hangs up there, "flip" changes a bit of it.
        harmed: path of the object, and the port that its upload came from.
    """

    server: tuple[str, int]
    harms: list[str] = field(default_factory=list)
    harmed: list[tuple[str, int]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        while True:
            with suppress(OSError):
                client, (_, port) = self._door.accept()
                server = socket.create_connection(self.server)
                threading.Thread(target=self._upload, args=(client, server, port), daemon=True).start()
                threading.Thread(target=pump, args=(server, client), daemon=True).start()

    def _upload(self, client: socket.socket, server: socket.socket, port: int) -> None:
        with client, server, suppress(OSError):
            while data := client.recv(PIECE):
                server.sendall(data)
                what, name = [*data[:200].split(b" "), b""][:2]
                if self.harms and what == b"PUT" and b"/store/" in name and name.endswith(b".parquet"):
                    self.harmed.append((name.decode(), port))
                    if not self._goes_on(self.harms.pop(0), client, server):
                        return

    def _goes_on(self, harm: str, client: socket.socket, server: socket.socket) -> bool:
        """Harm an upload whose head has gone through; false when that was its end."""
        body = b""
        while len(body) < HALF:
            body += client.recv(PIECE)
        if harm == "flip":
            place = body.index(b"PAR1") + HALF // 2
            server.sendall(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
            return True
        server.sendall(body[:HALF])
        self.held.set()
        if harm == "hold":
            self._wait(client)
        return False

    def _wait(self, client: socket.socket) -> None:
        client.settimeout(0.1)
        while not self.release.is_set():
            with suppress(TimeoutError):
                if not client.recv(PIECE):
                    return


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on all that comes."""
    with suppress(OSError):
        while data := source.recv(PIECE):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@dataclass
class Bucket:
    """A bucket on that server, seen by its owner (`client`), and by programs through the gate (`uri`)."""

    client: Any
    gate: Gate

    def uri(self, prefix: str, login: str = "") -> str:
        """Where a program is to write."""
        return f"s3://{login}bucket/{prefix}?region=us-east-1&endpoint_override=http://127.0.0.1:{self.gate.port}"

    def names(self, prefix: str) -> list[str]:
        """The objects below a prefix, without folders' empty markers."""
        found = self.client.list_objects_v2(Bucket="bucket", Prefix=f"{prefix}/").get("Contents", [])
        return [one["Key"].removeprefix(f"{prefix}/") for one in found if not one["Key"].endswith("/")]

    def read(self, prefix: str, name: str) -> bytes:
        """An object."""
        return self.client.get_object(Bucket="bucket", Key=f"{prefix}/{name}")["Body"].read()

    def write(self, prefix: str, name: str, data: bytes) -> None:
        """Put an object there behind the program's back."""
        self.client.put_object(Bucket="bucket", Key=f"{prefix}/{name}", Body=data)


@contextmanager
def bucket(key: str, secret: str) -> Iterator[Bucket]:
    """A bucket on a server of its own, while the block runs."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        login = {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **login)
        client.create_bucket(Bucket="bucket")
        yield Bucket(client, Gate((host, port)))
    finally:
        server.stop()
