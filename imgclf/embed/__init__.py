"""Embed: how classes separate in feature space, in figures and projections."""

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
