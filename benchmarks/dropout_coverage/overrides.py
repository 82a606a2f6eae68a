"""What a config field's name does not tell: sizes that must fit each other in one architecture only."""

from __future__ import annotations

from typing import Any

OVERRIDES: dict[str, dict[str, Any]] = {}
