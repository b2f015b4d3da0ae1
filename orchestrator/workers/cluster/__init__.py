"""Shards on Ray: the only room that imports it. What Ray reads when it is imported is set here, before any module of the room does so."""

import logging
import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ours is not to phone home
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_grpc_client_keepalive_timeout_ms", "20000")  # what is sent to a dead machine fails so soon
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # what happens to a worker we say ourselves, on one line
os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # the same
# Blocks come by message: whoever reads or frees what lies in Ray's object store just after that died is ended by Ray, without a word.
os.environ.setdefault("RAY_max_direct_call_object_size", str(2**28))
SETTINGS = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}  # for a Ray that starts later

logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)  # a notebook needs none of the widgets that it misses
