"""CIFAR-100: 60,000 colour photos of 32x32 pixels in a hundred classes; 50,000 `train`, 10,000 `test`.

Source: https://www.cs.toronto.edu/~kriz/cifar.html. Paper: A. Krizhevsky (2009), Learning Multiple Layers of
Features from Tiny Images. Licence: not stated. The labels are the hundred fine ones.
"""

from imgclf.data.builtin.cifar import CifarFiles
from imgclf.data.fetching.download import Remote
from imgclf.records import DatasetInfo

_ARCHIVE = Remote(
    ("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",), "md5:eb9058c3a382ffc7106e4002c42a8d85"
)

_CLASS_NAMES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

cifar100 = CifarFiles(
    DatasetInfo(
        name="cifar100",
        summary="A hundred kinds of things in small photos",
        class_names=tuple(_CLASS_NAMES.split()),
        splits={"train": 50_000, "test": 10_000},
        image_size=(32, 32),
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        download_bytes=169_001_437,
    ),
    _ARCHIVE,
    folder="cifar-100-python",
    batches={"train": ("train",), "test": ("test",)},
    label_key=b"fine_labels",
)
