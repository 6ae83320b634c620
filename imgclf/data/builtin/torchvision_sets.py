"""torchvision's classification datasets under their own names, through one adapter.

Each entry says what `imgclf datasets` lists, how torchvision's class is asked for each split, and where that class
keeps what it has indexed. Left out: those that need another package to be read (PCAM, LSUN, iNaturalist's 2021
archives), that are no classification (CLEVR counts objects) or whose files left the network (Caltech 101 and 256
ask for gdown).
"""

from collections.abc import Mapping

from imgclf.data.fetching.torchvision_adapter import Fields, TorchvisionSet
from imgclf.records import DatasetInfo

_DIGITS = tuple("0123456789")
_FILES = Fields("_image_files", "_labels")
_BY_SPLIT = {"train": {"split": "train"}, "test": {"split": "test"}}
_WITH_VAL = {"train": {"split": "train"}, "val": {"split": "val"}, "test": {"split": "test"}}
_BY_FLAG = {"train": {"train": True}, "test": {"train": False}}

_TRAFFIC_SIGNS = """
    20 km/h, 30 km/h, 50 km/h, 60 km/h, 70 km/h, 80 km/h, end of 80 km/h, 100 km/h, 120 km/h, no
    overtaking, no overtaking by lorries, right of way at next junction, priority road, give way,
    stop, no vehicles, no lorries, no entry, danger, bend left, bend right, double bend, uneven
    road, slippery road, road narrows, road works, traffic signals, pedestrians, children, bicycles,
    snow, wild animals, end of all restrictions, turn right ahead, turn left ahead, ahead only,
    ahead or right, ahead or left, keep right, keep left, roundabout, end of no overtaking, end of
    no overtaking by lorries
"""


def _sizes(train: int, test: int = 0, val: int = 0) -> Mapping[str, int]:
    return {split: size for split, size in (("train", train), ("val", val), ("test", test)) if size}


flowers102 = TorchvisionSet(
    DatasetInfo(
        name="flowers102",
        summary="Flowers common in Britain",
        class_count=102,
        splits=_sizes(1_020, test=6_149, val=1_020),
        licence="not stated",
        source="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        download_bytes=345_000_000,
    ),
    factory="Flowers102",
    splits=_WITH_VAL,
    fields=_FILES,
    marker="flowers-102/setid.mat",
)

food101 = TorchvisionSet(
    DatasetInfo(
        name="food101",
        summary="Dishes",
        class_count=101,
        splits=_sizes(75_750, test=25_250),
        licence="not stated",
        source="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        download_bytes=4996_000_000,
    ),
    factory="Food101",
    splits=_BY_SPLIT,
    fields=_FILES,
    marker="food-101/meta/train.json",
)

pets = TorchvisionSet(
    DatasetInfo(
        name="pets",
        summary="Breeds of cats and dogs",
        class_count=37,
        splits=_sizes(3_680, test=3_669),
        licence="CC BY-SA 4.0",
        source="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        download_bytes=811_000_000,
    ),
    factory="OxfordIIITPet",
    splits={"train": {"split": "trainval"}, "test": {"split": "test"}},
    fields=Fields("_images", "_labels"),
    marker="oxford-iiit-pet/annotations/test.txt",
)

eurosat = TorchvisionSet(
    DatasetInfo(
        name="eurosat",
        summary="Land use seen by Sentinel-2",
        class_count=10,
        splits=_sizes(27_000),
        licence="MIT",
        source="https://github.com/phelber/eurosat",
        download_bytes=94_000_000,
        image_size=(64, 64),
    ),
    factory="EuroSAT",
    splits={"train": {}},
    fields=Fields("samples"),
    marker="eurosat/2750",
)

svhn = TorchvisionSet(
    DatasetInfo(
        name="svhn",
        summary="House numbers in street views",
        class_names=_DIGITS,
        splits=_sizes(73_257, test=26_032),
        licence="non-commercial use",
        source="http://ufldl.stanford.edu/housenumbers/",
        download_bytes=246_000_000,
        image_size=(32, 32),
    ),
    factory="SVHN",
    splits=_BY_SPLIT,
    fields=Fields("data", "labels", "NCHW"),
    marker="test_32x32.mat",
    folder="svhn",
)

stl10 = TorchvisionSet(
    DatasetInfo(
        name="stl10",
        summary="Animals and vehicles, few labels",
        class_count=10,
        splits=_sizes(5_000, test=8_000),
        licence="not stated",
        source="https://cs.stanford.edu/~acoates/stl10/",
        download_bytes=2640_000_000,
        image_size=(96, 96),
    ),
    factory="STL10",
    splits=_BY_SPLIT,
    fields=Fields("data", "labels", "NCHW"),
    marker="stl10_binary/test_X.bin",
)

gtsrb = TorchvisionSet(
    DatasetInfo(
        name="gtsrb",
        summary="German traffic signs",
        class_names=tuple(" ".join(_TRAFFIC_SIGNS.split()).split(", ")),
        splits=_sizes(26_640, test=12_630),
        licence="not stated",
        source="https://benchmark.ini.rub.de/gtsrb_dataset.html",
        download_bytes=276_000_000,
    ),
    factory="GTSRB",
    splits=_BY_SPLIT,
    fields=Fields("_samples", layout="ppm"),
    marker="gtsrb/GT-final_test.csv",
)

dtd = TorchvisionSet(
    DatasetInfo(
        name="dtd",
        summary="Textures by the words that describe them",
        class_count=47,
        splits=_sizes(1_880, test=1_880, val=1_880),
        licence="research use",
        source="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        download_bytes=626_000_000,
    ),
    factory="DTD",
    splits=_WITH_VAL,
    fields=_FILES,
    marker="dtd/dtd/labels",
)

country211 = TorchvisionSet(
    DatasetInfo(
        name="country211",
        summary="Countries in which photos were taken",
        class_count=211,
        splits=_sizes(31_650, test=21_100, val=10_550),
        licence="not stated",
        source="https://github.com/openai/CLIP/blob/main/data/country211.md",
        download_bytes=11500_000_000,
    ),
    factory="Country211",
    splits={**_WITH_VAL, "val": {"split": "valid"}},
    fields=Fields("samples"),
    marker="country211/test",
)

fgvc_aircraft = TorchvisionSet(
    DatasetInfo(
        name="fgvc_aircraft",
        summary="Variants of aircraft",
        class_count=100,
        splits=_sizes(3_334, test=3_333, val=3_333),
        licence="research use",
        source="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        download_bytes=2754_000_000,
    ),
    factory="FGVCAircraft",
    splits=_WITH_VAL,
    fields=_FILES,
    marker="fgvc-aircraft-2013b/data",
)

sun397 = TorchvisionSet(
    DatasetInfo(
        name="sun397",
        summary="Scenes of every kind",
        class_count=397,
        splits=_sizes(108_754),
        licence="not stated",
        source="https://vision.princeton.edu/projects/2010/SUN/",
        download_bytes=37000_000_000,
    ),
    factory="SUN397",
    splits={"train": {}},
    fields=_FILES,
    marker="SUN397/ClassName.txt",
)

places365 = TorchvisionSet(
    DatasetInfo(
        name="places365",
        summary="Places, 256 pixels",
        class_count=365,
        splits=_sizes(1_803_460, val=36_500),
        licence="CC BY",
        source="http://places2.csail.mit.edu/",
        download_bytes=25000_000_000,
    ),
    factory="Places365",
    splits={"train": {"split": "train-standard"}, "val": {"split": "val"}},
    fields=Fields("imgs"),
    marker="val_256",
    folder="places365",
    arguments={"small": True},
)

rendered_sst2 = TorchvisionSet(
    DatasetInfo(
        name="rendered_sst2",
        summary="Film reviews drawn as images, good or bad",
        class_names=("negative", "positive"),
        splits=_sizes(6_920, test=1_821, val=872),
        licence="not stated",
        source="https://github.com/openai/CLIP/blob/main/data/rendered-sst2.md",
        download_bytes=131_000_000,
        image_size=(448, 448),
    ),
    factory="RenderedSST2",
    splits=_WITH_VAL,
    fields=Fields("_samples"),
    marker="rendered-sst2/test",
)

emnist = TorchvisionSet(
    DatasetInfo(
        name="emnist",
        summary="Handwritten letters and digits (balanced)",
        class_count=47,
        splits=_sizes(112_800, test=18_800),
        licence="public domain",
        source="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        download_bytes=562_000_000,
        image_size=(28, 28),
        channels=1,
    ),
    factory="EMNIST",
    splits=_BY_FLAG,
    fields=Fields("data", "targets", "NWH"),
    marker="EMNIST/raw/emnist-balanced-test-images-idx3-ubyte",
    arguments={"split": "balanced"},
)

usps = TorchvisionSet(
    DatasetInfo(
        name="usps",
        summary="Handwritten digits from envelopes",
        class_names=_DIGITS,
        splits=_sizes(7_291, test=2_007),
        licence="not stated",
        source="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        download_bytes=8_000_000,
        image_size=(16, 16),
        channels=1,
    ),
    factory="USPS",
    splits=_BY_FLAG,
    fields=Fields("data", "targets", "NHWC"),
    marker="usps.t.bz2",
    folder="usps",
)

semeion = TorchvisionSet(
    DatasetInfo(
        name="semeion",
        summary="Handwritten digits, black and white",
        class_names=_DIGITS,
        splits=_sizes(1_593),
        licence="CC BY 4.0",
        source="http://archive.ics.uci.edu/ml/datasets/semeion+handwritten+digit",
        download_bytes=3_000_000,
        image_size=(16, 16),
        channels=1,
    ),
    factory="SEMEION",
    splits={"train": {}},
    fields=Fields("data", "labels", "NHWC"),
    marker="semeion.data",
    folder="semeion",
)

imagenette = TorchvisionSet(
    DatasetInfo(
        name="imagenette",
        summary="Ten easy classes of ImageNet, 320 pixels",
        class_count=10,
        splits=_sizes(9_469, val=3_925),
        licence="Apache 2.0",
        source="https://github.com/fastai/imagenette",
        download_bytes=341_000_000,
    ),
    factory="Imagenette",
    splits={"train": {"split": "train"}, "val": {"split": "val"}},
    fields=Fields("_samples"),
    marker="imagenette2-320/val",
    arguments={"size": "320px"},
)

stanford_cars = TorchvisionSet(
    DatasetInfo(
        name="stanford_cars",
        summary="Makes, models and years of cars",
        class_count=196,
        splits=_sizes(8_144, test=8_041),
        licence="non-commercial use",
        source="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
        download_bytes=1960_000_000,
        manual=(
            "Its original address is gone. Place devkit/, cars_train/, cars_test/ and cars_test_annos_with_labels.mat in the "
            "folder 'stanford_cars' of the data directory; https://github.com/pytorch/vision/issues/7545 says where from."
        ),
    ),
    factory="StanfordCars",
    splits=_BY_SPLIT,
    fields=Fields("_samples"),
    marker="stanford_cars/cars_test_annos_with_labels.mat",
)

imagenet = TorchvisionSet(
    DatasetInfo(
        name="imagenet",
        summary="ImageNet, ILSVRC 2012",
        class_count=1000,
        splits=_sizes(1_281_167, val=50_000),
        licence="non-commercial use",
        source="https://image-net.org/challenges/LSVRC/2012/",
        download_bytes=156000_000_000,
        manual=(
            "Ask for access at https://image-net.org/download-images and place ILSVRC2012_devkit_t12.tar.gz, "
            "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar in the folder 'imagenet' of the data directory."
        ),
    ),
    factory="ImageNet",
    splits={"train": {"split": "train"}, "val": {"split": "val"}},
    fields=Fields("samples"),
    marker="ILSVRC2012_devkit_t12.tar.gz",
    folder="imagenet",
    downloads=False,
)
