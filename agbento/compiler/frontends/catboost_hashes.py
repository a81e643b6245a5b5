"""CatBoost's hashes: of a category's text, and of a combination of categories and tests."""

from __future__ import annotations

_ALL = (1 << 64) - 1
_K2, _K3 = 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MULTIPLIER = 0x9DDFEA08EB382D69

# catboost/libs/model/hash.h: a, b -> m * (a + m * b), from a = 0 over all elements.
_M = 0x4906BA494954CB65


def weights(elements: int) -> list[int]:
    """Give the factors by which the hash of a combination is the sum, modulo 2**64, of its elements' numbers."""
    return [_signed(pow(_M, elements - i + 1, 1 << 64)) for i in range(elements)]


def text_hash(text: str) -> int:
    """Give the number (int32) that CatBoost has for a category: the lower half of version 1 of CityHash64.

    https://github.com/google/cityhash; only as far as the texts of integers go, 16 bytes.
    """
    data = text.encode()
    size = len(data)
    if not 0 < size <= 16:
        raise ValueError(f"{text!r}: has {size} bytes, expected 1 to 16")
    low = _short_hash(data, size) & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _short_hash(data: bytes, size: int) -> int:
    if size > 8:
        first, last = _number(data[:8]), _number(data[-8:])
        turned = (last + size) & _ALL
        return _pair_hash(first, (turned >> size | turned << (64 - size)) & _ALL) ^ last
    if size >= 4:
        return _pair_hash(size + (_number(data[:4]) << 3), _number(data[-4:]))
    y, z = data[0] + (data[size >> 1] << 8), size + (data[-1] << 2)
    return _mixed((y * _K2 ^ z * _K3) & _ALL) * _K2 & _ALL


def _pair_hash(low: int, high: int) -> int:
    a = _mixed((low ^ high) * _MULTIPLIER & _ALL)
    return _mixed((high ^ a) * _MULTIPLIER & _ALL) * _MULTIPLIER & _ALL


def _mixed(number: int) -> int:
    return number ^ number >> 47


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
