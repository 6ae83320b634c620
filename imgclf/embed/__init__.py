"""Embed: how classes separate in feature space, in figures and projections."""

from imgclf.embed.geometry import Fidelity, Geometry, measure_fidelity, measure_geometry
from imgclf.embed.projection import project, reduce_dimensions

__all__ = ["Fidelity", "Geometry", "measure_fidelity", "measure_geometry", "project", "reduce_dimensions"]
