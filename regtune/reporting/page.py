"""A self-contained HTML page from a template of this package: every value is escaped, control characters are shown."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from regtune.wording import printable


def render_page(template: str, *, styles: Sequence[str], **values: object) -> str:
    """Fill a template beside this file. styles: names of the CSS files that become its `style`.

    Only values that are Markup already go in as they are; a name the template lacks a value for raises.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def harmless(value: object) -> object:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    folder = files("regtune.reporting")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=harmless
    )
    style = Markup("\n".join(folder.joinpath(name).read_text("utf-8") for name in styles))
    page: str = environment.from_string(folder.joinpath(template).read_text("utf-8")).render(style=style, **values)
    return page
