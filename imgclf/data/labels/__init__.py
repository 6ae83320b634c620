"""From what a format says of its images to a dataset; the same rules for all formats.

In reading order: ``rows`` (the common end), ``columns`` (which column is what), ``classes`` (which classes there are),
``leaks`` (what two splits share).
"""
