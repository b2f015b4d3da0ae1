"""Whether a cluster asks for a token, and talking to it as it demands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
from ray._private.authentication.authentication_token_setup import AUTH_MODE_ENV_VAR
from ray._private.grpc_utils import init_grpc_channel
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]
from ray.core.generated.gcs_service_pb2 import GetClusterIdRequest
from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub

from orchestrator.workers.cluster.address import PATIENCE

TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"  # noqa: S105  where Ray looks for it, not what it is


@contextmanager
def authentication(needed: bool, token: Path | None = None) -> Iterator[None]:
    """With a token, or with none; that in the file, or the user's own.

    Ray takes it from the environment, and for "auto" from whether the user has a token at all. With a token that the
    cluster does not use, what its workers send is turned away without a word, and nothing ever comes home.
    """
    wanted = {AUTH_MODE_ENV_VAR: "token" if needed else "disabled", **({TOKEN_PATH: str(token)} if token else {})}
    before = {name: os.environ[name] for name in wanted if name in os.environ}
    _set(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        _set(before)


def asks_for_token(address: str) -> bool:
    """Whether the cluster at host:port turns away who has none."""
    with authentication(needed=False), init_grpc_channel(address) as channel:
        try:
            NodeInfoGcsServiceStub(channel).GetClusterId(GetClusterIdRequest(), timeout=PATIENCE)
        except grpc.RpcError as error:
            return bool(error.code() == grpc.StatusCode.UNAUTHENTICATED)
    return False


def _set(variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    Config.initialize("")  # both keep what they once read
    AuthenticationTokenLoader.instance().reset_cache()
