"""Embed: how classes separate in feature space, in figures and projections.

In reading order: ``options.py``; ``subject.py`` (which images, which network), ``extraction.py`` (their features), ``session.py`` (the
whole command); ``projection.py`` and ``maps.py`` (features in the plane), ``geometry.py`` and ``summary.py`` (how well classes
separate); ``saved.py``, ``exports.py`` and ``sprite.py`` (files), ``page.py``; ``neighbors.py`` (images like one).
"""

from imgclf.embed.neighbors import Neighbor, NeighborsResult, find_neighbors
from imgclf.embed.options import Options
from imgclf.embed.session import EmbedResult, embed_subject
from imgclf.embed.subject import Subject, subject_of_run, subject_untrained

__all__ = [
    "EmbedResult",
    "Neighbor",
    "NeighborsResult",
    "Options",
    "Subject",
    "embed_subject",
    "find_neighbors",
    "subject_of_run",
    "subject_untrained",
]
