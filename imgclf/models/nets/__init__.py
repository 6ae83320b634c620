"""The few networks that timm lacks, registered with timm when this package is imported.

=============  =====================================================================================
``resnet9``    nine layers, learns 32-pixel images fast
=============  =====================================================================================
"""

from imgclf.models.nets.resnet9 import ResNet9

__all__ = ["ResNet9"]
