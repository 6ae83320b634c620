"""Which images are copies of each other: perceptual hashes and a closer look at the pairs."""
