"""Typed mutations of JSON: a place is drawn in the tree, and something odd is put there."""

from __future__ import annotations

import copy
import json
import random
import string
from collections.abc import Iterator
from typing import Any

MARK = "zqzq"
"""Part of every text in `MARKUP`, so that its output can be found."""
MARKUP = (
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f'" onmouseover="{MARK}',
    f"' onmouseover='{MARK}",
    f"<!-- {MARK}",
    f"[{MARK}](http://example.org)",
    f"![{MARK}](http://example.org/a.png)",
    f"\n# {MARK}\n",
    f"a | {MARK} | b\n| - | - |",
    f"`{MARK}` ``` {MARK}",
    f"**{MARK}** _{MARK}_ ~~{MARK}~~",
    f"[{MARK}]: http://example.org",
    f"{{{{ {MARK} }}}} {{% {MARK} %}}",
    f"${MARK}$ \\{MARK}{{",
    f"javascript:{MARK}",
)
ODD_TEXTS = (
    "",
    " ",
    "\ud800",
    "a\udfffb",
    "a\x00b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "\u2028",
    "e\u0301" * 40,
    "漢字",
    "../../etc/passwd",
    "a/b",
    "NaN",
    "-1",
    "x" * 5000,
    "x" * 300_000,
)
ODD_NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 0.5, -0.0, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**63, 2**64, 10**400,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
RAW_NUMBERS = ("1e999", "-1e999", "1" * 5000, "0." + "1" * 5000, "1E400", "-0")
"""Numbers that a program would not write, as text in the file."""
DEPTHS = (5, 30, 900, 100_000)

Place = tuple[Any, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The places of all nodes below a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, node in inside:
        yield (*place, key)
        if isinstance(node, dict | list):
            yield from places(node, (*place, key))


def mutated(draws: random.Random, value: Any, times: int) -> str:
    """A table as JSON text after some mutations of nodes that are drawn."""
    value = copy.deepcopy(value)
    raw: dict[str, str] = {}
    for number in range(times):
        found = list(places(value))
        if not found:
            break
        _mutate(draws, value, draws.choice(found), found, raw, f"raw text {number}")
    text = json.dumps(value, ensure_ascii=draws.random() < 0.8 or _has_surrogates(value))
    for name, written in raw.items():
        text = text.replace(json.dumps(name), written)
    return text


def _has_surrogates(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _mutate(
    draws: random.Random,
    value: Any,
    place: Place,
    found: list[Place],
    raw: dict[str, str],
    name: str,
) -> None:
    *path, last = place
    holder = value
    for step in path:
        holder = holder[step]
    node = holder[last]
    match draws.randrange(12):
        case 0:
            del holder[last]
        case 1:
            other = draws.choice(found)
            *way, end = other
            inside = value
            for step in way:
                inside = inside[step]
            holder[last], inside[end] = copy.deepcopy(inside[end]), copy.deepcopy(node)
        case 2 | 3:
            holder[last] = draws.choice(MARKUP)
        case 4:
            holder[last] = draws.choice(ODD_TEXTS)
        case 5:
            holder[last] = draws.choice(ODD_NUMBERS)
        case 6:
            raw[name], holder[last] = draws.choice(RAW_NUMBERS), name
        case 7:
            depth = draws.choice(DEPTHS)
            opened, closed = draws.choice((("[", "]"), ('{"a":', "}")))
            raw[name] = opened * depth + "0" + closed * depth
            holder[last] = name
        case 8:
            holder[last] = draws.choice((None, True, False, [], {}, [None], {"": None}))
        case 9 if isinstance(holder, dict):
            holder[draws.choice((*MARKUP, *ODD_TEXTS, "schema", "run"))] = holder.pop(last)
        case 9 | 10:
            holder[last] = _of_another_type(draws, node)
        case _:
            holder[last] = _nearly(draws, node)


def _of_another_type(draws: random.Random, node: Any) -> Any:
    """A value that means nearly the same but has another type."""
    kinds: tuple[Any, ...] = (str(node)[:1000], [node], {"value": node}, bool(node))
    if isinstance(node, int | float) and abs(node) < 1e100:  # which no infinity is
        kinds += (float(node), int(node))
    if isinstance(node, list):
        kinds += (dict(enumerate(map(str, node))), node * 2, node * 200)
    if isinstance(node, dict):
        kinds += (list(node), list(node.values()), {**node, "more": node})
    return copy.deepcopy(draws.choice(kinds))


def _nearly(draws: random.Random, node: Any) -> Any:
    """The node with a little of it changed."""
    if isinstance(node, bool) or node is None:
        return not node
    if isinstance(node, int | float):
        return draws.choice((node + 1, node - 1, -node, node * 10, node // 3))
    if isinstance(node, str):
        at = draws.randrange(len(node) + 1)
        return (
            node[:at]
            + draws.choice((*string.punctuation, *MARKUP))
            + node[at + draws.randrange(2) :]
        )
    if isinstance(node, list):
        return draws.sample(node, len(node)) if draws.random() < 0.5 else node[:-1]
    kept = draws.sample(sorted(node), len(node))
    return {key: node[key] for key in (kept[1:] if draws.random() < 0.5 else kept)}
