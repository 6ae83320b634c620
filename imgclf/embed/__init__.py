"""Embed: how classes separate in feature space, in figures and projections."""

from imgclf.embed.session import EmbedResult, Options, embed_run, embed_untrained, metrics_of

__all__ = ["EmbedResult", "Options", "embed_run", "embed_untrained", "metrics_of"]
