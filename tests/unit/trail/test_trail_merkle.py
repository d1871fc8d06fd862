"""The tree against RFC 6962's own definition, written down recursively, and published vectors."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trail.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    peaks_of,
    range_hash,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and the roots of RFC 6962's reference implementation (certificate-transparency).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Published inclusion proofs: (leaf from 1, tree size, path).
INCLUSION = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        2,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
# Published consistency proofs: (old size, new size, path).
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def split(width: int) -> int:
    k = 1
    while k * 2 < width:
        k *= 2
    return k


def oracle_root(data: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, word for word."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\x01" + oracle_root(data[:k]) + oracle_root(data[k:])).digest()


def oracle_path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*oracle_path(m, data[:k]), oracle_root(data[k:])]
    return [*oracle_path(m - k, data[k:]), oracle_root(data[:k])]


def oracle_subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 2.1.2."""
    if m == len(data):
        return [] if whole else [oracle_root(data)]
    k = split(len(data))
    if m <= k:
        return [*oracle_subproof(m, data[:k], whole), oracle_root(data[k:])]
    return [*oracle_subproof(m - k, data[k:], False), oracle_root(data[:k])]


def build(data: list[bytes]) -> tuple[Frontier, dict[tuple[int, int], bytes]]:
    """The tree as the product builds it, with its stored nodes."""
    frontier, nodes = Frontier(), {}
    for index, item in enumerate(data):
        leaf = leaf_hash(item)
        nodes[0, index] = leaf
        completed = frontier.append(leaf)
        for level in range(1, len(completed) // 32 + 1):
            nodes[level, index >> level] = completed[(level - 1) * 32 : level * 32]
    return frontier, nodes


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    frontier, _ = build(LEAVES[:size])
    assert frontier.root().hex() == ROOTS[size - 1] == oracle_root(LEAVES[:size]).hex()


@pytest.mark.parametrize(("leaf", "size", "path"), INCLUSION)
def test_published_inclusion_proofs(leaf: int, size: int, path: list[str]) -> None:
    _, nodes = build(LEAVES)
    found = inclusion_path(lambda level, index: nodes[level, index], leaf - 1, size)
    assert [step.hex() for step in found] == path


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    _, nodes = build(LEAVES)
    found = consistency_path(lambda level, index: nodes[level, index], old, new)
    assert [step.hex() for step in found] == path


def test_the_empty_tree() -> None:
    assert Frontier().root() == EMPTY_ROOT == oracle_root([])
    assert verify_consistency(0, EMPTY_ROOT, 5, bytes(32), [])


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 130), st.data())
def test_root_and_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = [bytes([number, number >> 3]) for number in range(size)]
    frontier, nodes = build(leaves)

    def node_at(level: int, index: int) -> bytes:
        return nodes[level, index]

    part = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, part - 1))
    root, old_root = oracle_root(leaves), oracle_root(leaves[:part])
    assert frontier.root() == root == range_hash(node_at, 0, size)
    assert Frontier.from_bytes(size, frontier.to_bytes()).root() == root
    assert frontier.peaks == [nodes[peak] for peak in peaks_of(size)]
    inclusion = inclusion_path(node_at, index, part)
    assert inclusion == oracle_path(index, leaves[:part])
    assert verify_inclusion(leaf_hash(leaves[index]), index, part, inclusion, old_root)
    consistency = consistency_path(node_at, part, size)
    assert consistency == oracle_subproof(part, leaves, True)
    assert verify_consistency(part, old_root, size, root, consistency)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 70), st.data())
def test_no_other_leaf_place_size_root_or_path_is_proven(size: int, data: st.DataObject) -> None:
    leaves = [bytes([number]) for number in range(size)]
    frontier, nodes = build(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(lambda level, at: nodes[level, at], index, size)
    leaf, root = leaf_hash(leaves[index]), frontier.root()
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index))
    step = data.draw(st.integers(0, len(path) - 1))
    flipped = bytes([path[step][0] ^ 1]) + path[step][1:]
    assert verify_inclusion(leaf, index, size, path, root)
    assert not verify_inclusion(leaf_hash(leaves[other]), index, size, path, root)
    assert not verify_inclusion(leaf, other, size, path, root)
    assert not verify_inclusion(leaf, index, size, [*path[:step], flipped, *path[step + 1 :]], root)
    assert not verify_inclusion(leaf, index, size, path[:-1], root)
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    assert not verify_inclusion(leaf, index, size, path, leaf)
    assert not verify_inclusion(leaf, size, size, path, root)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 70), st.data())
def test_a_changed_past_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    leaves = [bytes([number]) for number in range(size)]
    changed = list(leaves)
    changed[data.draw(st.integers(0, old - 1))] = b"forged"
    _, nodes = build(changed)
    path = consistency_path(lambda level, at: nodes[level, at], old, size)
    honest_old, forged_new = oracle_root(leaves[:old]), oracle_root(changed)
    assert verify_consistency(old, oracle_root(changed[:old]), size, forged_new, path)
    assert not verify_consistency(old, honest_old, size, forged_new, path)
    assert not verify_consistency(old, honest_old, size, oracle_root(leaves), path[:-1])
