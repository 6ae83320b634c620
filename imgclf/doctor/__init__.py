"""What is broken, and where two ways to a prediction part.

``installation`` looks at packages, extras, plugins and cache folders, ``machine`` at what computes; both must work
where half of what they look at does not, so this package imports nothing by itself. ``roads`` takes one image through
everything that predicts.
"""
