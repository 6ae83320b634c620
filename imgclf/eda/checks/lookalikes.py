"""Images that are the same or nearly the same: exact duplicates, near-duplicates, and what follows from them.

Two images are exact duplicates when their decoded pixels are equal, whatever the file. They are near-duplicates when
their perceptual hashes differ in at most k bits *and* their thumbnails agree more than images of this dataset
usually do. The second test is needed because a hash of 64 bits knows only the layout: on Fashion-MNIST 177,000
pairs of different shoes and shirts lie within four bits of each other. CleanVision takes equal hashes only, which
misses most: on CIFAR-10 19 pairs have equal hashes and about 400 lie within four bits, nearly all of them real.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from imgclf.data import MIN_SIDE, MIN_SIMILARITY, near_duplicate_pairs, similarity
from imgclf.eda.measuring.survey import Survey

MAX_DISTANCE = 4
MIN_NEAR_SIDE = MIN_SIDE


@dataclass(frozen=True)
class Group:
    """Images that are the same or nearly the same.

    Attributes:
        rows: rows of the survey, ascending, at least two.
        exact: all of them have equal pixels.
        distance: the largest Hamming distance between two linked images, in bits.
        similarity: the smallest agreement of two linked images, in [0, 1]; see :class:`Links`.
    """

    rows: tuple[int, ...]
    exact: bool
    distance: int = 0
    similarity: float = 1.0


def exact_groups(survey: Survey) -> list[Group]:
    """Return the groups of images with equal pixels, the largest first."""
    rows = np.flatnonzero(survey.readable)
    hashes = survey.facts["pixel_hash"][rows]
    order = np.argsort(hashes, kind="stable")
    edges = np.flatnonzero(np.diff(hashes[order])) + 1
    members = (np.sort(rows[part]) for part in np.split(order, edges) if len(part) > 1)
    groups = [Group(tuple(int(row) for row in part), exact=True) for part in members]
    return sorted(groups, key=lambda group: (-len(group.rows), group.rows))


@dataclass(frozen=True, eq=False)
class Links:
    """Pairs of images that look alike but are not equal.

    Attributes:
        left: int64 (P,), rows of the survey; of equal images only the first is linked.
        right: int64 (P,).
        distance: int64 (P,), Hamming distance of the hashes in bits.
        similarity: float32 (P,), how much they agree beyond their layout, 0.8 to 1.
    """

    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray
    similarity: np.ndarray


def near_links(survey: Survey, max_distance: int = MAX_DISTANCE) -> Links:
    """Find the pairs of near-duplicates.

    Args:
        survey: what was measured.
        max_distance: largest Hamming distance of two perceptual hashes, 0 to 16 of 64 bits.
    """
    rows = np.flatnonzero(near_judged(survey))
    rows = np.sort(rows[np.unique(survey.facts["pixel_hash"][rows], return_index=True)[1]])
    left, right, distance = near_duplicate_pairs(
        survey.facts["perceptual_hash"][rows], max_distance=max_distance
    )
    thumbnails = survey.facts["thumbnail"][rows]
    agreement = similarity(thumbnails, thumbnails, left, right)
    alike = agreement >= MIN_SIMILARITY
    return Links(rows[left[alike]], rows[right[alike]], distance[alike], agreement[alike])


def near_groups(links: Links, exact: list[Group], min_similarity: float = 0.0) -> list[Group]:
    """Return the groups that links make, the most alike first.

    Args:
        links: from :func:`near_links`.
        exact: from :func:`exact_groups`; a linked image brings its equals with it.
        min_similarity: weaker links are passed over.
    """
    strong = links.similarity >= min_similarity
    left, right, distance, agreement = (
        values[strong] for values in (links.left, links.right, links.distance, links.similarity)
    )
    copies = {group.rows[0]: group.rows for group in exact}
    groups = []
    for members, used in _components(left, right):
        everyone = [copy for row in members.tolist() for copy in copies.get(row, (row,))]
        groups.append(
            Group(tuple(sorted(everyone)), False, int(distance[used].max()), float(agreement[used].min()))
        )
    return sorted(groups, key=lambda group: (-group.similarity, group.rows))


def near_judged(survey: Survey) -> np.ndarray:
    """Bool (N,): which images are large enough for a perceptual hash to mean something."""
    judged: np.ndarray = survey.readable & (
        np.minimum(survey.facts["width"], survey.facts["height"]) >= MIN_NEAR_SIDE
    )
    return judged


def all_groups(exact: list[Group], near: list[Group]) -> list[Group]:
    """Return every group once: exact ones first, those that belong to a larger near group left out."""
    covered = {row for group in near for row in group.rows}
    return [*(group for group in exact if group.rows[0] not in covered), *near]


def _components(left: np.ndarray, right: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return connected components by union-find: (nodes, links) each."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        parent[root(one)] = root(other)
    nodes: dict[int, list[int]] = defaultdict(list)
    links: dict[int, list[int]] = defaultdict(list)
    for node in sorted(parent):
        nodes[root(node)].append(node)
    for link, node in enumerate(left.tolist()):
        links[root(node)].append(link)
    return [(np.array(nodes[key]), np.array(links[key])) for key in nodes]
