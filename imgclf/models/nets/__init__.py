"""The few networks that timm lacks, registered with timm when this package is imported.

``resnet9``        learns 32-pixel images in minutes on two CPU cores; the default for small images
``resnet9_large``  the same for a GPU
``resnet_prep``    the custom ResNet: preparation layer, three layers, residual blocks on the first and the third
``cnn3``           three convolution layers with batch norm and max pooling, dropout 0.6, dense layers
``cnn4``           four convolution blocks and global average pooling, for photos
"""

from imgclf.models.nets.cnn import PlainCNN
from imgclf.models.nets.resnet9 import ResNet9
from imgclf.models.nets.resnet_prep import PreparedResNet

NAMES = ("resnet9", "resnet9_large", "resnet_prep", "cnn3", "cnn4")

__all__ = ["NAMES", "PlainCNN", "PreparedResNet", "ResNet9"]
