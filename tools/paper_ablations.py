"""The paper's Tables 2, 3, 5, 6, 7 and 8, and all of them by number."""

from tfsnn_tools.paper_tables import (
    CIFAR,
    IMAGENET,
    LONG,
    SHORT,
    Block,
    Row,
    Table,
    ablation,
)

THRESHOLDS = {
    "Maximum Act": "table_maximum",
    "Percentile 99.9%": "table_percentile",
    "MMSE": "table_mmse",
    "MMSE*": "table_mmse_channel",
}
BIASES = {
    "MaxAct + BC": "table_maximum_bc",
    "Percentile + BC": "table_percentile_bc",
    "MMSE + BC": "table_mmse_bc",
    "MMSE* + BC": "table_mmse_channel_bc",
}
ADVANCED = {
    "MMSE + PC": "table_mmse_pc",
    "MMSE* + PC": "table_mmse_channel_pc",
    "MMSE + PC + WC": "table_mmse_pc_wc",
    "MMSE* + PC + WC": "table_mmse_channel_pc_wc",
}
SAMPLES = {
    str(count): {"timesteps": 32, "images": count}
    for count in (32, 64, 128, 256)
}
SIXTY_FOUR = {"T=64": {"timesteps": 64}}
THIRTY_TWO = {"T=32": {"timesteps": 32}}


def _times(title, network, dataset, analog, figures) -> Block:
    methods = {"BC": "table_mmse_bc", "PC": "table_mmse_pc", "WC": "table_wc"}
    rows = [
        Row(label, method, True, True, analog, {"T=64": figures[label]})
        for label, method in methods.items()
    ]
    return Block(title, network, dataset, tuple(rows))


def _pooling(title, network, analog, converted, kept) -> Block:
    rows = (
        Row("Convert AP", "paper_light", True, True, analog, converted),
        Row("Not Convert AP", "paper_light", True, False, analog, kept),
    )
    return Block(title, network, "imagenet2012", rows)


TABLES = {
    2: Table(
        "Thresholds, no calibration (* channel-wise)",
        "%",
        SHORT,
        5,
        ablation(
            SHORT,
            THRESHOLDS,
            """
            2.38±0.17 5.01±1.23
            3.73±0.38 42.11±0.37
            19.42±0.81 43.53±0.72
            17.50±2.46 47.40±2.71
            """,
            """
            25.67±4.67 51.27±3.82
            55.00±0.47 71.94±0.19
            58.38±0.62 72.13±0.18
            63.55±0.60 73.57±0.06
            """,
        ),
    ),
    3: Table(
        "Thresholds with bias calibration (* channel-wise)",
        "%",
        SHORT,
        5,
        ablation(
            SHORT,
            BIASES,
            """
            24.61±2.19 32.60±2.61
            40.56±1.29 66.87±0.78
            44.95±0.52 67.61±0.72
            52.96±1.91 69.19±0.75
            """,
            """
            55.17±5.06 68.78±2.48
            69.60±0.14 75.26±0.20
            70.78±0.15 75.53±0.15
            72.33±0.13 75.94±0.23
            """,
        ),
    ),
    4: Table("Comparison on ImageNet", "%", LONG, 1, IMAGENET),
    5: Table(
        "Potential and weight calibration (* channel-wise)",
        "%",
        SHORT,
        5,
        ablation(
            SHORT,
            ADVANCED,
            """
            59.52±1.06 70.62±0.47
            65.29±0.86 73.53±0.27
            65.02±0.33 73.51±0.23
            67.14±0.88 74.52±0.36
            """,
            """
            73.37±0.28 76.21±0.06
            74.22±0.25 76.68±0.12
            73.36±0.28 76.32±0.13
            74.02±0.20 76.52±0.16
            """,
        ),
    ),
    6: Table(
        "Minutes of a calibration",
        "minutes",
        SIXTY_FOUR,
        5,
        (
            _times(
                "VGG-16 CIFAR100",
                "vgg16",
                "cifar100",
                77.89,
                {
                    "BC": (0.098, 0.003),
                    "PC": (0.106, 0.017),
                    "WC": (4.70, 0.037),
                },
            ),
            _times(
                "MobileNet ImageNet",
                "mobilenet",
                "imagenet2012",
                73.40,
                {"BC": (2.29, 0.005), "PC": (2.19, 0.01), "WC": (27.6, 1.62)},
            ),
        ),
    ),
    7: Table(
        "Number of images for bias calibration, T = 32",
        "%",
        SAMPLES,
        5,
        ablation(
            SAMPLES,
            {"MMSE + BC": "table_mmse_bc"},
            "64.50±1.19 65.12±1.02 66.04±0.72 66.20±0.58",
            "75.35±0.16 75.41±0.18 75.43±0.09 75.41±0.08",
        ),
    ),
    8: Table(
        "Average pooling with and without neurons, Light, T = 32",
        "%",
        THIRTY_TWO,
        1,
        (
            _pooling(
                "VGG-16 ImageNet",
                "vgg16_imagenet",
                75.36,
                {"T=32": (24.88,)},
                {"T=32": (49.53,)},
            ),
            _pooling(
                "ResNet-34 ImageNet",
                "resnet34",
                75.66,
                {"T=32": (50.21,)},
                {"T=32": (52.87,)},
            ),
        ),
    ),
    9: Table("Comparison on CIFAR", "%", LONG, 1, CIFAR),
}
"""The paper's tables by number."""
