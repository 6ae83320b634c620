"""The figures of a look at a dataset: class counts, image sizes, evaluation crops, rows of images."""
