"""CIFAR-100: photographs of 100 kinds of things, 32x32 in colour, 100 classes.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. The classes are the
fine labels.
"""

from __future__ import annotations

from ._torchvision import CifarSource

_CLASS_NAMES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach
    couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
    house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
    pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road
    rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel
    streetcar sunflower sweet_pepper table tank telephone television tiger tractor train
    trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


class Cifar100(CifarSource):
    """50,000 training and 10,000 test images."""

    version = 1
    title = "CIFAR-100"
    torchvision_name = "CIFAR100"
    class_names = tuple(_CLASS_NAMES.split())
    # Its own statistics, as DC and DSA use them; MTT and APM use those of CIFAR-10.
    mean = (0.5071, 0.4866, 0.4409)
    std = (0.2673, 0.2564, 0.2762)
