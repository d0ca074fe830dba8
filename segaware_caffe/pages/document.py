"""An HTML file that needs no other: template, style, script and data in one."""

import json
import math
import os
from importlib.resources import files
from typing import Any

import jinja2

from segaware_caffe.files import replacing


def write_document(path: str | os.PathLike[str], template: str, data: Any, **values: Any) -> None:
    """Render a template of the package to the HTML file `path`, completely or not at all.

    Args:
        template: its file, such as "view/page.html". It extends "pages/base.html" and fills in the blocks `head`, `style`, `body`
            and `script`; `{{ text("view/page.css")|safe }}` puts in a file.
        data: what the scripts find in `page`, ready for JSON; NaN and infinity become null.
        values: the template's variables.
    """
    text = _templates().get_template(template).render(values, page=_embedded(data))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _templates() -> jinja2.Environment:
    def read(name: str) -> str:
        return files("segaware_caffe").joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["text"] = read
    return environment


def _embedded(content: Any) -> str:
    """JSON that may stand inside a script element: no end tag, no NaN."""
    text = json.dumps(_plain(content), separators=(",", ":"), allow_nan=False)
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
