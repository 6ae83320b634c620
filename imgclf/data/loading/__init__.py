"""From examples to batches; brings torch, except for `DecodedImages`.

In reading order: ``loaders`` (puts one together), ``loader``, ``decoded`` with ``decoded_images`` and ``decoded_cache``
(pixels kept in memory), ``batches`` and ``workers`` (who makes them), ``sampling`` (which images), ``cores`` and ``memory``
(what this process may use).
"""
