"""What comes in: datasets, splits, reading image files, transforms, loaders."""

from imgclf.data.examples import Dataset, Examples, ImageSource

__all__ = ["Dataset", "Examples", "ImageSource"]
