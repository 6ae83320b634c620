"""The model that serves.

Reading order: ``loaded.py`` (a model that is ready), ``pace.py`` (which batch is fastest, whether bf16 may be used),
``served.py`` (opened, watched and swapped), ``batching.py`` (the line of images and its workers), ``memory.py``
(what large images took, given back), ``explaining.py`` (saliency maps beside the line).
"""
