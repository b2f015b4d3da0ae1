"""Where --out points, and that no secret in it goes any further.

A URI's credentials would be seen by whoever lists processes, reads the shell's history, run.json or a message. Those
for s3 move into this process's environment, where Arrow looks for them and where workers that Ray starts here inherit
them; others are refused.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.errors import UsageError

SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # Ray sets it for what `ray job submit` runs, in a folder that it deletes
ID, SECRET, SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
KNOWN = {
    **dict.fromkeys(("access_key", "access_key_id", "aws_access_key_id"), ID),
    **dict.fromkeys(("secret_key", "secret_access_key", "aws_secret_access_key"), SECRET),
    **dict.fromkeys(("session_token", "aws_session_token"), SESSION),
}
SECRETIVE = re.compile("key|secret|token|password|credential|signature|sig$|sas", re.IGNORECASE)
# Up to the last @, for a secret that should be percent-encoded may hold a / as it is. A port is no password.
LOGIN = re.compile(r"([^:/@?]+|):(?!\d+(?:/|$))([^?]*)@")

UNTOLD = {"Cc", "Cs"}  # signs that no line can hold: ends of lines among them, and bytes that are no text


def is_uri(out: str) -> bool:
    """Whether this names a place that workers reach themselves; a `file://` URI is a path."""
    return bool(re.match(r"[A-Za-z][\w+.-]*://", out)) and not out.startswith("file:")


def local(out: str | Path) -> Path:
    """The folder meant, as an absolute path.

    Raises:
        UsageError: it can't be one, or is relative in a submitted job, whose folder Ray deletes with all that is in it.
    """
    text = str(out)
    path = Path(unquote(urlsplit(text).path) if text.startswith("file:") else text)
    elsewhere = text.startswith("file:") and (urlsplit(text).netloc not in ("", "localhost") or not path.is_absolute())
    if not text.strip() or UNTOLD & set(map(unicodedata.category, text)) or elsewhere:
        raise UsageError(f"--out {text!r} is no path of this machine; name a folder")
    try:
        path = path.expanduser()
        path.resolve()
    except (RuntimeError, OSError) as error:
        raise UsageError(f"--out {text[:60]} is no path ({error}); name a folder") from None
    if os.environ.get(SUBMITTED) and not path.is_absolute():
        raise UsageError(
            f"--out {text} is relative, and a submitted job's folder is deleted; give an absolute path, or a URI such as s3://bucket/prefix"
        )
    return path.resolve()


def without_secrets(word: str) -> str:
    """A word of the command line without credentials: those of an s3 URI go into the environment.

    Raises:
        UsageError: another URI has some. The message does not repeat them.
    """
    before, mark, after = word.partition("://")
    if not mark:
        return word
    place, asked, query = after.partition("?")
    found: dict[str, str] = {}
    if login := LOGIN.match(place):
        found |= {ID: unquote(login[1]), SECRET: unquote(login[2])}
        place = place[login.end() :]
    kept = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if SECRETIVE.search(name):
            found[KNOWN.get(name.lower(), name)] = unquote(value)
        else:
            kept.append(part)
    if not found:
        return word
    scheme = before.rpartition("=")[2]
    if scheme not in ("s3", "fsspec+s3") or not set(found) <= {ID, SECRET, SESSION}:
        raise UsageError(
            f"others can see a password or key in a URI (ps, the shell's history); give {scheme}'s in the environment"
        )
    os.environ.update(found)
    query = "&".join(kept)
    return f"{before}://{place}{asked if query else ''}{query}"
