"""One image: from a file of any kind to pixels, and from pixels to what a network takes."""
