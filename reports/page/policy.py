"""What a page may do, said in its head: only the very texts it holds act, and nothing is ever loaded."""

import base64
import hashlib


def policy(style: str | None, *scripts: str, images: str = "'none'") -> str:
    """A Content-Security-Policy for a page with this style sheet and these scripts inline.

    `style` None allows any inline style, which a library that styles its own drawings needs.
    """
    styles = "'unsafe-inline'" if style is None else f"'{_sha256(style)}'"
    allowed = " ".join(f"'{_sha256(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; script-src {allowed}; img-src {images}; base-uri 'none'; form-action"
        " 'none'"
    )


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
