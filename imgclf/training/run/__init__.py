"""One run from start to end.

In reading order: ``session`` (the road: plan, open, begin, launch, finish), ``starts`` (anew, or from a checkpoint),
``changes`` (what may change on resuming), ``preparation`` (settles what is ``auto`` and builds the network),
``known_classes`` (what a model file knows of them), ``work`` (what each process does), ``probing`` (a probe instead of
epochs), ``recorder`` and ``checkpoint`` (what is written meanwhile), ``skipped``, ``provenance``, ``dry_run`` (a look
before the first epoch).
"""
