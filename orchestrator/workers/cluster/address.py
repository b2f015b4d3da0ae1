"""The address of a cluster, and whether anybody answers there."""

from __future__ import annotations

import socket

from ray._private import services

from orchestrator.errors import ClusterError

PATIENCE = 10.0  # seconds


def resolve(address: str) -> str:
    """Where a cluster is, as host:port, once somebody answers there: Ray itself would wait for minutes where nobody listens.

    Raises:
        ClusterError: nobody does, none is found for "auto", or it is Ray's client server, through which no results come.
    """
    if address.startswith("ray://"):
        raise ClusterError(f"no results come through {address}; submit a job instead: ray job submit")
    found = address
    try:
        found = str(services.canonicalize_bootstrap_address_or_die(address))
        host, _, port = found.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        where = address if address in found else f"{address} ({found})"
        raise ClusterError(f"no Ray cluster answers at {where}: {error}; name one as host:port") from None
    return found
