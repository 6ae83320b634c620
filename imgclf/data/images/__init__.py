"""One image, from the file to the model's input.

In reading order: ``source`` (what it is read from), ``signatures`` and ``names`` (what it is), ``scan`` (finds them), ``reading``, ``pixels``
and ``checksums`` (its pixels), ``preprocess`` and ``preparation`` (what is kept of it), ``thumbnails`` (small copies).
"""
