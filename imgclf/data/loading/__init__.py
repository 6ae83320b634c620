"""From examples to batches: decoding, caching, workers, sampling. Brings torch, except for `DecodedImages`."""
