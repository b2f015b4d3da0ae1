"""How `make docs` makes the site: the Markdown of the repository, README first, and the API from the docstrings."""

import orchestrator

project = "orchestrator"
release = orchestrator.__version__

# The source is the whole repository, so that links between its pages mean the same on the site; these are the pages.
include_patterns = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md"]
exclude_patterns = [
    ".*",
    "benchmarks",
    "build",
    "jobs",
    "orchestrator",
    "reports",
    "results*",
    "scripts",
    "site",
    "tests",
]
root_doc = "README"
CONTENTS = [
    "lesson",
    "own_models",
    "api",
    "words",
    "sure",
    "diagnose",
    "judge",
    "models",
    "cluster",
    "machine",
    "scale",
    "calibration",
]
FURTHER = ["ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG"]

SHORT = {
    repr(orchestrator.SECONDARY): "SECONDARY",
    repr(orchestrator.Endpoint()): "Endpoint()",
    "<factory>": "{}",
    "~collections.abc.": "",
    "~typing.": "",
}

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
default_role = "code"  # single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
strip_signature_backslash = True
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "Does it help?"
html_extra_path = ["index.html"]
html_use_index = False
html_show_sourcelink = html_copy_source = False


def _with_contents(_app, name, source):
    """The README with the site's table of contents, which a reader of the file has no use for."""
    if name == root_doc:
        pages = "\n".join([*(f"docs/{page}" for page in CONTENTS), *FURTHER])
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


def _short(_app, _kind, name, _object, _options, signature, returns):
    """Signatures as a person would write them."""
    if name == "orchestrator.Found":
        return "", returns  # nobody makes one
    for long, short in SHORT.items():
        signature = signature and signature.replace(long, short)
    return signature, returns


def setup(app):
    """Sphinx's hook."""
    app.connect("autodoc-process-signature", _short)
    app.connect("source-read", _with_contents)
