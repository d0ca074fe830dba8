"""The site that `make docs` builds: the pages as they stand in the repository, and the docstrings of the public names.

The source folder is the repository's root, so that a page's links lead to the same places on the site as where the files are read.
"""

import re
from pathlib import Path
from posixpath import normpath

from pygments.lexers import ProtoBufLexer
from sphinx.application import Sphinx

import segaware_caffe

project = "segaware_caffe"
version = release = segaware_caffe.__version__
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "segaware_caffe/models/*.md", "scripts/examples/*.md"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
templates_path = ["site"]
html_additional_pages = {"index": "index.html"}
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which no browser does from disk
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
myst_heading_anchors = 6  # those that GitHub gives, too


def sidebar(app: Sphinx, page: str, source: list[str]) -> None:
    """The sidebar has the pages that docs/index.md lists, under its headings."""
    if page == root_doc:
        for heading, text in re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", source[0], re.MULTILINE):
            pages = [f"/{normpath(f'docs/{target}')}" for target in re.findall(r"^\* \[.*?\]\((.*?\.md)\)", text, re.MULTILINE)]
            source[0] += "\n".join(["\n```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```\n"])


def folders(app: Sphinx, page: str, source: list[str]) -> None:
    """A link to a folder of the repository is its words alone: the site has no page of it."""
    here = Path(app.srcdir, page).parent
    source[0] = re.sub(r"\[([^]]*)\]\(([^):#\s]+)\)", lambda link: link[1] if (here / link[2]).is_dir() else link[0], source[0])


def setup(app: Sphinx) -> None:
    """What Sphinx calls with the site that it builds."""
    app.add_lexer("prototxt", ProtoBufLexer)
    app.connect("source-read", sidebar)
    app.connect("source-read", folders)
