"""Changed copies of a text: words deleted, swapped, cropped or masked. Pure functions of their arguments and generator.

Four of them choose places, numbered from 0, in a row of `count` words, two or more; each touches an expected share
`share` in [0, 1) of the words. The rest applies a choice to a text, or to words that carry tags.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Collection, Sequence

# Chinese and Japanese are written without spaces: each of their characters counts as a word.
_SPACELESS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_SPACELESS}]|[^\\s{_SPACELESS}]+")


def delete(count: int, share: float, generator: random.Random, *, kept: Collection[int] = ()) -> list[int]:
    """Places of the words that stay: each goes with probability `share`, but those in `kept` and the last one left."""
    staying = [place for place in range(count) if generator.random() >= share or place in kept]
    return staying or [generator.randrange(count)]


def swap(count: int, share: float, generator: random.Random) -> list[int]:
    """For each place, the place its word comes from: share·count/2 pairs change places, no word moves twice."""
    pairs = round_at_random(min(share * count / 2, count // 2), generator)
    moving = generator.sample(range(count), 2 * pairs)
    sources = list(range(count))
    for first, second in zip(moving[:pairs], moving[pairs:], strict=True):
        sources[first], sources[second] = second, first
    return sources


def crop(count: int, share: float, generator: random.Random) -> list[int]:
    """Places of the words that stay, side by side: share·count are left out at the two ends together, never all."""
    left_out = min(round_at_random(share * count, generator), count - 1)
    start = generator.randint(0, left_out)
    return list(range(start, start + count - left_out))


def mask(count: int, share: float, generator: random.Random) -> frozenset[int]:
    """Places of the words to hide: each with probability `share`; where all would be, one stays visible."""
    hidden = frozenset(place for place in range(count) if generator.random() < share)
    return hidden if len(hidden) < count else hidden - {generator.randrange(count)}


def round_at_random(value: float, generator: random.Random) -> int:
    """One of the two neighbouring integers, 0.3 being 1 in three of ten draws: its expectation is the value itself."""
    below = int(value)
    return below + (generator.random() < value - below)


ARRANGEMENTS = {"delete": delete, "swap": swap, "crop": crop}


def find_words(text: str) -> list[re.Match[str]]:
    """The words in their places: what stands between white space; in Chinese and Japanese each character."""
    return list(_WORD.finditer(text))


def augment_text(text: str, operation: str, share: float, generator: random.Random, *, mask_token: str | None) -> str:
    """The text after one operation (delete, swap, crop or mask); the same object where nothing came out changed.

    A staying word keeps the white space in front of it and a swapped one takes that of its new place, so that lines
    and paragraphs survive. A text of one word never changes. mask_token: needed by mask only.
    """
    found = find_words(text)
    if len(found) < 2:
        return text
    words = [word.group() for word in found]
    if operation == "mask":
        assert mask_token is not None
        places, changed = list(range(len(words))), _hide(words, mask(len(words), share, generator), mask_token)
    else:
        sources = ARRANGEMENTS[operation](len(words), share, generator)
        places, changed = sorted(sources), [words[source] for source in sources]
    if changed == words:
        return text
    gaps = ["", *(text[before.end() : word.start()] for before, word in itertools.pairwise(found))]
    return "".join(gaps[place] + word for place, word in zip(places, changed, strict=True)).lstrip()


def augment_tagged(
    words: Sequence[str],
    tags: Sequence[str],
    operation: str,
    share: float,
    generator: random.Random,
    *,
    mask_token: str | None,
) -> tuple[Sequence[str], Sequence[str]]:
    """Words and their tags after delete or mask; the same objects where nothing changed.

    delete takes away words tagged O, with their tag, and never one whose going would join two entities; mask hides a
    word and leaves its tag: the entity is then to be known from the words around it.
    """
    if len(words) < 2:
        return words, tags
    if operation == "mask":
        assert mask_token is not None
        hidden = mask(len(words), share, generator)
        return (_hide(words, hidden, mask_token), tags) if hidden else (words, tags)
    assert operation == "delete"
    kept = frozenset(place for place in range(len(tags)) if not is_deletable(tags, place))
    places = delete(len(words), share, generator, kept=kept)
    if len(places) == len(words):
        return words, tags
    return [words[place] for place in places], [tags[place] for place in places]


def is_deletable(tags: Sequence[str], place: int) -> bool:
    """Whether the word is outside of entities and needed by none: tagged O, and what follows is O or a clear start.

    In the IOB1 and IO schemes an O is all that keeps `I-PER O I-PER` two entities.
    """
    following = tags[place + 1] if place + 1 < len(tags) else "O"
    return tags[place] == "O" and (following == "O" or following.startswith(("B-", "S-", "U-")))


def _hide(words: Sequence[str], hidden: Collection[int], mask_token: str) -> list[str]:
    return [mask_token if place in hidden else word for place, word in enumerate(words)]
