"""Unquoted YAML scalars, read as YAML 1.2 reads them and stricter where its reading would surprise.

    2e-5  .5  3  -1     numbers (PyYAML alone reads 2e-5 as text)
    true  false         booleans, also True and TRUE; yes, no, on and off are text, as label names often are
    null  ~  (nothing)  null
    010  1:30  1_000    text: a leading zero, a time and a grouped number would each be guessed differently elsewhere
    .inf  .nan  1e999   refused: no setting means infinity

Source: YAML 1.2.2, section 10.3 "Core schema" (https://yaml.org/spec/1.2.2/#103-core-schema), decimal numbers only.
"""

from __future__ import annotations

import math
import re

from regtune.config.document import Scalar

CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WHOLE_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
MAX_DIGITS = 18  # every whole number of 18 digits fits 64 bits


def resolve_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError, its text fit for the user, for what is never a setting."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if WHOLE_NUMBER.fullmatch(text):
        digits = len(text.lstrip("+-"))
        if digits > MAX_DIGITS:
            raise ValueError(f"a whole number of {digits} digits is too large, at most {MAX_DIGITS}")
        return int(text)
    if NUMBER.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise ValueError("a number this large is not allowed, at most 1.8e308")
        return value
    if NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not allowed, numbers must be finite")
    return text
