"""`regtune doctor`: does it work here?"""

from __future__ import annotations

import typer

from regtune.errors import EnvironmentFault


def doctor() -> None:
    """Print versions and device, and train a tiny model offline as a self-test; one line each.

    Example: `regtune doctor`.
    """
    from regtune.doctor import examine

    healthy = True
    for check in examine():
        healthy &= check.passed
        typer.echo(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}: {check.found}")
    if not healthy:
        raise EnvironmentFault("some checks failed", hint="the FAIL lines say what to do")
