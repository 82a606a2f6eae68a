"""Text from outside (labels, paths, values, errors of libraries) made harmless and showable, wherever it is shown."""

from __future__ import annotations

import re

# C0, DEL and C1 controls move the cursor or start commands; the others hide in, reorder or break the line; a surrogate
# is half a character, left behind by undecodable file names.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_LOOK_ALIKES = {
    "★": "*", "■": "#", "⚠": "!", "✓": "ok", "−": "-", "–": "-", "×": "x", "Σ": "sum", "→": "->", "·": "|",
    "…": "...", "±": "+/-", "≥": ">=", "≤": "<=", "ε": "eps", "λ": "lambda", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def printable(text: str) -> str:
    r"""The text as one line of harmless text: control characters as \n or \xNN, other invisible ones as \uNNNN."""
    return _CONTROLS.sub(_escaped, text)


NAME_SHOWN = 40  # characters; a label can be a sentence, and a list of tags can be long


def cut(text: str, *, length: int = NAME_SHOWN) -> str:
    """The text in at most `length` characters, the last one … where something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def encodable(text: str, *, encoding: str) -> str:
    r"""Text in characters the encoding has: look-alikes for our signs, \xNN or \uNNNN for anything else."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_nearest(character, encoding) for character in text)
    return text


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "backslashreplace").decode("ascii")


def _nearest(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return _LOOK_ALIKES.get(character, character.encode("ascii", "backslashreplace").decode("ascii"))
    return character
