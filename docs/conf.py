"""Sphinx: Markdown through MyST, the furo theme, warnings are errors (`nox -s docs`)."""

import runpy
from pathlib import Path

project = "imgclf"
author = "the imgclf authors"
release = runpy.run_path(str(Path(__file__).parents[1] / "imgclf" / "_version.py"))["__version__"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"imgclf {release}"
nitpicky = True
# Types in signatures are told, not linked: most are of other projects, whose pages need a network to look up.
nitpick_ignore_regex = [("py:.*", ".*")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_numpy_docstring = False
