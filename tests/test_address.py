"""Where a cluster is, and how one talks to it."""

from __future__ import annotations

import pytest

from orchestrator.errors import ClusterError
from orchestrator.workers.cluster.address import resolve


def test_where_nobody_listens_that_is_said_at_once():
    """An address without a listener is named, with the reason, in a second rather than Ray's minutes."""
    with pytest.raises(ClusterError, match=r"answers at 127\.0\.0\.1:1 .*refused"):
        resolve("127.0.0.1:1")


def test_ray_client_is_refused_with_what_to_do_instead():
    """Results can't come through `ray://`, so that is said before anything is tried."""
    with pytest.raises(ClusterError, match="ray job submit"):
        resolve("ray://somewhere:10001")


@pytest.mark.parametrize("address", ["nonsense", "here:99999", ":", "1.2.3.4:5:6", "", "two words"])
def test_what_is_no_address_is_refused_in_one_line(address):
    """Rubbish as an address ends in one line that says what an address looks like."""
    with pytest.raises(ClusterError, match="name one as host:port") as caught:
        resolve(address)
    assert "\n" not in str(caught.value)
