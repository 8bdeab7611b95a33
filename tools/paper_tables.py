"""The figures of the paper's Tables 2 to 9, to print beside ours.

Li, Deng, Dong, Gong, Gu, A Free Lunch From ANN: Towards Efficient, Accurate
Spiking Neural Networks Calibration, ICML 2021, arXiv:2106.06984. Accuracies are
top-1 in percent, deviations are over 5 seeds.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One line of a table.

    Attributes:
        label: The paper's name of the method.
        method: Ours, see `reproduction_methods`.
        batch_norm: Whether the network has batch norms.
        convert_ap: Whether average poolings get neurons.
        analog: Accuracy of the analog network.
        figures: Column to mean, or mean and deviation.
    """

    label: str
    method: str
    batch_norm: bool
    convert_ap: bool
    analog: float | None
    figures: dict[str, tuple[float, ...]]


class Block(NamedTuple):
    """The lines of one network and data set.

    Attributes:
        title: The paper's.
        network: Of the zoo.
        dataset: TFDS name.
        rows: The lines.
    """

    title: str
    network: str
    dataset: str
    rows: tuple[Row, ...]


class Table(NamedTuple):
    """One table.

    Attributes:
        caption: What it compares.
        unit: `"%"`, or `"minutes"`.
        columns: Label to what it sets: `timesteps`, `images`.
        num_seeds: Runs of a cell in the paper.
        blocks: Networks.
    """

    caption: str
    unit: str
    columns: dict[str, dict[str, int]]
    num_seeds: int
    blocks: tuple[Block, ...]


LONG = {
    "T=32": {"timesteps": 32},
    "T=64": {"timesteps": 64},
    "T=128": {"timesteps": 128},
    "T=256": {"timesteps": 256},
    "T>=2048": {"timesteps": 2048},
}
SHORT = {"T=16": {"timesteps": 16}, "T=32": {"timesteps": 32}}
METHODS = {
    "Spike-Norm": "spike_norm",
    "Hybrid Train": "hybrid",
    "RMP": "rmp",
    "TSC": "tsc",
    "Opt.": "opt",
    "Light": "paper_light",
    "Advanced": "paper_advanced",
}
VGG, RESNET = "VGG-16", "ResNet-20"


def _figures(columns, text: str) -> dict[str, tuple[float, ...]]:
    """`33.01 - 67.54` or `2.38±0.17 5.01±1.23`, one a column."""
    return {
        column: tuple(map(float, part.split("±")))
        for column, part in zip(columns, text.split(), strict=True)
        if part != "-"
    }


def _comparison(title: str, network: str, dataset: str, text: str) -> Block:
    """Lines `method; batch norm; convert AP; analog; figures`."""
    rows = []
    for line in text.strip().splitlines():
        label, norm, pool, analog, figures = map(str.strip, line.split(";"))
        rows.append(
            Row(
                label,
                METHODS[label],
                norm == "yes",
                pool == "yes",
                float(analog),
                _figures(LONG, figures),
            )
        )
    return Block(title, network, dataset, tuple(rows))


def ablation(columns, methods, vgg: str, resnet: str) -> tuple[Block, ...]:
    """Lines of figures for the two networks on CIFAR100."""
    blocks = []
    for title, network, analog, text in (
        (VGG, "vgg16", 77.89, vgg),
        (RESNET, "resnet20_wide", 77.16, resnet),
    ):
        lines = text.strip().splitlines()
        rows = tuple(
            Row(label, method, True, True, analog, _figures(columns, line))
            for (label, method), line in zip(
                methods.items(), lines, strict=True
            )
        )
        blocks.append(Block(f"{title} CIFAR100", network, "cifar100", rows))
    return tuple(blocks)


IMAGENET = (
    _comparison(
        "ResNet-34 ImageNet",
        "resnet34",
        "imagenet2012",
        """
        Spike-Norm; no; no; 70.69; - - - - 65.47
        Hybrid Train; no; no; 70.20; - - - 61.48 65.10
        RMP; no; no; 70.64; - - - 55.65 69.89
        TSC; no; no; 70.64; - - - 55.65 69.93
        Opt.; no; yes; 70.95; 33.01 59.52 67.54 70.06 70.98
        Light; no; yes; 70.95; 62.34 68.38 70.15 70.75 70.97
        Opt.; yes; yes; 75.66; 0.09 0.12 3.19 47.11 75.08
        Light; yes; yes; 75.66; 50.21 63.66 68.89 72.12 75.44
        Advanced; yes; yes; 75.66; 64.54 71.12 73.45 74.61 75.45
        """,
    ),
    _comparison(
        "VGG-16 ImageNet",
        "vgg16_imagenet",
        "imagenet2012",
        """
        Spike-Norm; no; no; 70.52; - - - - 69.96
        Hybrid Train; no; no; 69.35; - - - 62.73 65.19
        RMP; no; no; 73.49; - - - 48.32 73.09
        TSC; no; no; 73.49; - - - 69.71 73.46
        Opt.; no; yes; 72.40; 54.92 66.51 69.94 71.35 72.09
        Light; no; yes; 72.40; 69.30 71.12 71.85 72.20 72.29
        Opt.; yes; yes; 75.36; 0.114 0.118 0.122 1.81 73.88
        Light; yes; yes; 75.36; 24.88 56.77 70.49 73.66 75.15
        Advanced; yes; yes; 75.36; 63.64 70.69 73.32 74.23 75.32
        """,
    ),
    _comparison(
        "MobileNet ImageNet",
        "mobilenet",
        "imagenet2012",
        """
        Opt.; yes; yes; 73.40; 0.110 0.104 0.100 0.964 68.21
        Light; yes; yes; 73.40; 0.254 12.62 53.91 65.86 72.19
        Advanced; yes; yes; 73.40; 37.43 56.26 65.40 69.02 72.38
        """,
    ),
    _comparison(
        "RegNetX-4GF ImageNet",
        "regnetx_4gf",
        "imagenet2012",
        """
        Opt.; yes; yes; 80.02; 0.218 3.542 48.60 71.22 78.33
        Light; yes; yes; 80.02; 35.63 65.28 74.37 77.33 79.15
        Advanced; yes; yes; 80.02; 55.70 70.96 75.78 77.50 79.21
        """,
    ),
)
CIFAR = (
    _comparison(
        "ResNet-20 CIFAR100",
        "resnet20_wide",
        "cifar100",
        """
        Spike-Norm; no; no; 69.72; - - - - 64.09
        RMP; no; no; 68.72; 27.64 46.91 57.69 64.06 67.82
        TSC; no; no; 68.72; - - 58.42 65.27 68.18
        Opt.; no; yes; 68.40; 63.39 67.51 68.37 68.53 68.37
        Light; no; yes; 68.40; 65.14 67.63 68.28 68.42 68.37
        Opt.; yes; yes; 77.16; 51.27 70.12 75.81 77.22 77.19
        Light; yes; yes; 77.16; 75.53 77.08 77.50 77.59 77.25
        Advanced; yes; yes; 77.16; 76.32 77.29 77.73 77.63 77.25
        """,
    ),
    _comparison(
        "VGG-16 CIFAR100",
        "vgg16",
        "cifar100",
        """
        Spike-Norm; no; no; 71.22; - - - - 70.77
        RMP; no; no; 71.22; - - 63.76 68.34 70.93
        TSC; no; no; 71.22; - - 69.86 70.65 70.97
        Opt.; no; yes; 70.21; 56.16 62.93 67.45 69.36 70.35
        Light; no; yes; 70.21; 64.53 67.14 68.99 69.98 70.30
        Opt.; yes; yes; 77.89; 7.64 21.84 55.04 73.54 77.71
        Light; yes; yes; 77.89; 65.73 72.38 75.82 77.12 77.87
        Advanced; yes; yes; 77.89; 73.55 76.64 77.40 77.68 77.87
        """,
    ),
    _comparison(
        "MobileNet CIFAR100",
        "mobilenet_cifar",
        "cifar100",
        """
        Opt.; yes; yes; 73.23; 1.28 4.88 39.39 65.79 73.01
        Light; yes; yes; 73.23; 40.06 62.81 69.41 71.98 73.19
        Advanced; yes; yes; 73.23; 42.64 63.24 71.02 72.54 73.18
        """,
    ),
    _comparison(
        "ResNet-20 CIFAR10",
        "resnet20_wide",
        "cifar10",
        """
        Spike-Norm; no; no; 89.10; - - - - 87.46
        Hybrid Train; no; no; 93.15; - - - 92.22 92.94
        RMP; no; no; 91.47; - - 87.60 89.37 91.36
        TSC; no; no; 91.47; - 69.38 88.57 90.10 91.42
        Opt.; no; yes; 93.94; 86.67 91.96 93.48 93.76 93.94
        Light; no; yes; 93.94; 93.00 93.61 93.85 93.89 93.94
        Opt.; yes; yes; 95.46; 84.06 92.48 94.68 95.30 94.42
        Light; yes; yes; 95.46; 94.44 95.20 95.29 95.36 95.47
        Advanced; yes; yes; 95.46; 94.78 95.30 95.42 95.41 95.45
        """,
    ),
    _comparison(
        "VGG-16 CIFAR10",
        "vgg16",
        "cifar10",
        """
        Spike-Norm; no; no; 91.70; - - - - 91.55
        Hybrid Train; no; no; 92.81; - - 91.13 - 92.48
        RMP; no; no; 93.63; 60.30 90.35 92.41 93.04 93.63
        TSC; no; no; 93.63; - 92.79 93.27 93.45 93.63
        Opt.; no; yes; 93.51; 88.79 91.12 92.74 93.29 93.55
        Light; no; yes; 93.51; 91.82 92.57 93.21 93.35 93.54
        Opt.; yes; yes; 95.72; 76.24 90.64 94.11 95.33 95.73
        Light; yes; yes; 95.72; 94.02 95.20 95.61 95.77 95.73
        Advanced; yes; yes; 95.72; 93.71 95.14 95.65 95.79 95.79
        """,
    ),
    _comparison(
        "MobileNet CIFAR10",
        "mobilenet_cifar",
        "cifar10",
        """
        Opt.; yes; yes; 92.48; 9.98 23.99 79.35 90.49 92.35
        Light; yes; yes; 92.48; 81.94 89.47 91.61 92.20 92.44
        Advanced; yes; yes; 92.48; 82.37 90.40 91.70 92.29 92.47
        """,
    ),
)
