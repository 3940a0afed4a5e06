"""Mutations of the bytes of a file, whatever it holds."""

from __future__ import annotations

import random

LONGEST_PIECE = 64


def with_a_bit_flipped(draws: random.Random, data: bytes) -> bytes:
    """Flip one bit; an empty file gets a byte."""
    if not data:
        return bytes([draws.randrange(256)])
    changed = bytearray(data)
    changed[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
    return bytes(changed)


def cut_short(draws: random.Random, data: bytes) -> bytes:
    """Keep only the beginning."""
    return data[: draws.randrange(len(data))] if data else data


def with_bytes_mutated(draws: random.Random, data: bytes) -> bytes:
    """One to four pieces are flipped, overwritten, inserted, taken out, repeated or exchanged."""
    for _ in range(draws.randint(1, 4)):
        data = _once(draws, data)
    return data


def _once(draws: random.Random, data: bytes) -> bytes:
    # Headers are short and decide the most: half of the places are near the beginning or the end.
    ends = (0, min(len(data), 300)), (max(0, len(data) - 300), len(data))
    low, high = draws.choice(((0, len(data)), (0, len(data)), *ends))
    at, size = draws.randint(low, high), draws.randint(1, LONGEST_PIECE)
    before, piece, after = data[:at], data[at : at + size], data[at + size :]
    match draws.randrange(7):
        case 0:
            return with_a_bit_flipped(draws, data)
        case 1:
            return before + draws.randbytes(len(piece)) + after
        case 2:
            return before + draws.randbytes(size) + piece + after
        case 3:
            return before + after
        case 4:
            return before + piece * draws.choice((2, 3, 1000)) + after
        case 5:
            filling = draws.choice((b"\x00", b"\xff", b"\x7f", b"9", b"[", b'"'))
            return before + filling * len(piece) + after
        case _:
            return cut_short(draws, data)
