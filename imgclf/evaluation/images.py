"""Which images an evaluation looks at; see ``imgclf.inference.images``."""

from imgclf.inference.images import Images, choose_images, match_classes, run_config

__all__ = ["Images", "choose_images", "match_classes", "run_config"]
