"""What is measured on every image, in one decode: ``survey`` (all images), ``measure`` (a few of them), ``cache``."""
