"""One process or many.

In reading order: ``launch`` (starts the work in each), ``torchrun`` (those that it started meet before the loop),
``agreement`` (what they agree on in the loop), ``interruption`` (a signal becomes a request to stop).
"""
