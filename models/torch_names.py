"""What packages for PyTorch call the layers of the networks of the zoo.

A naming takes a network of the zoo and gives, for every layer with weights,
the prefix that its tensors have in a state dict of that package.
"""

from collections.abc import Callable, Iterator

import keras

Names = dict[str, str]
Naming = Callable[[keras.Model], Names]


def vgg_features(model: keras.Model) -> Names:
    """VGG of torchvision."""
    return _numbered_vgg(model, _classifier(model, "classifier.{}", step=3))


def vgg_timm(model: keras.Model) -> Names:
    """VGG of timm: hidden layers are convolutions."""
    names = {"hidden1": "pre_logits.fc1", "hidden2": "pre_logits.fc2"}
    return _numbered_vgg(model, {**names, "logits": "head.fc"})


def vgg_single(model: keras.Model) -> Names:
    """VGG for CIFAR of the paper's authors: one linear layer."""
    return _numbered_vgg(model, {"logits": "classifier"}, step=3)


def vgg_pytorchcv(model: keras.Model) -> Names:
    """VGG of pytorchcv."""
    names = {
        "hidden1": "output.fc1.fc",
        "hidden2": "output.fc2.fc",
        "logits": "output.fc3",
    }
    for stage, unit in _numbers(model, "stage", "_unit", "_conv"):
        prefix = f"features.stage{stage}.unit{unit}"
        names |= _unit(f"stage{stage}_unit{unit}", prefix)
    return names


def resnet_torchvision(model: keras.Model) -> Names:
    """ResNet of torchvision and timm: one convolution in the stem."""
    return {
        "stem1_conv": "conv1",
        "stem1_bn": "bn1",
        **_resnet_layers(model),
    }


def resnet_deep(model: keras.Model) -> Names:
    """ResNet with three convolutions in the stem: timm, the authors."""
    names = {}
    for number, index in enumerate((0, 3, 6), start=1):
        names[f"stem{number}_conv"] = f"conv1.{index}"
        names[f"stem{number}_bn"] = f"conv1.{index + 1}"
    return {**names, "stem3_bn": "bn1", **_resnet_layers(model)}


def resnet_pytorchcv(model: keras.Model) -> Names:
    """ResNet of pytorchcv: `resnet34`, or `resnetc` with a deep stem."""
    names = {"logits": "output"}
    deep = any(layer.name == "stem2_conv" for layer in model.layers)
    for number in (1, 2, 3):
        middle = f"conv{number}" if deep else "conv"
        names |= _unit(f"stem{number}", f"features.init_block.{middle}")
    for stage, block in _numbers(model, "stage", "_block", "_1_conv"):
        prefix = f"features.stage{stage}.unit{block}"
        unit = f"stage{stage}_block{block}"
        names |= _unit(f"{unit}_1", f"{prefix}.body.conv1")
        names |= _unit(f"{unit}_2", f"{prefix}.body.conv2")
        names |= _unit(f"{unit}_shortcut", f"{prefix}.identity_conv")
    return names


def mobilenet_pytorchcv(model: keras.Model) -> Names:
    """MobileNet of pytorchcv."""
    names = {"logits": "output", **_unit("stem", "features.init_block")}
    for block, stage, unit in _mobilenet_blocks(model):
        prefix = f"features.stage{stage}.unit{unit}"
        names |= _unit(f"block{block}_depthwise", f"{prefix}.dw_conv")
        names |= _unit(f"block{block}_pointwise", f"{prefix}.pw_conv")
    return names


def mobilenet_timm(model: keras.Model) -> Names:
    """MobileNet V1 of timm; its networks may have ReLU6 for ReLU."""
    names = {
        "stem_conv": "conv_stem",
        "stem_bn": "bn1",
        "logits": "classifier",
    }
    for block, stage, unit in _mobilenet_blocks(model):
        prefix = f"blocks.{stage - 1}.{unit - 1}"
        names[f"block{block}_depthwise_conv"] = f"{prefix}.conv_dw"
        names[f"block{block}_depthwise_bn"] = f"{prefix}.bn1"
        names[f"block{block}_pointwise_conv"] = f"{prefix}.conv_pw"
        names[f"block{block}_pointwise_bn"] = f"{prefix}.bn2"
    return names


def regnet_timm(model: keras.Model) -> Names:
    """RegNet of timm."""
    return {
        **_unit("stem", "stem"),
        "logits": "head.fc",
        **_regnet_blocks(model, "s{}.b{}.conv{}", "s{}.b{}.downsample"),
    }


def regnet_pytorchcv(model: keras.Model) -> Names:
    """RegNet of pytorchcv."""
    prefix = "features.stage{}.unit{}"
    return {
        **_unit("stem", "features.init_block"),
        "logits": "output",
        **_regnet_blocks(
            model, prefix + ".body.conv{}", prefix + ".identity_conv"
        ),
    }


def regnet_torchvision(model: keras.Model) -> Names:
    """RegNet of torchvision."""
    names = {"stem_conv": "stem.0", "stem_bn": "stem.1", "logits": "fc"}
    for stage, block in _numbers(model, "stage", "_block", "_1_conv"):
        prefix = f"trunk_output.block{stage}.block{stage}-{block - 1}"
        unit = f"stage{stage}_block{block}"
        for number, letter in enumerate("abc", start=1):
            names[f"{unit}_{number}_conv"] = f"{prefix}.f.{letter}.0"
            names[f"{unit}_{number}_bn"] = f"{prefix}.f.{letter}.1"
        names[f"{unit}_shortcut_conv"] = f"{prefix}.proj.0"
        names[f"{unit}_shortcut_bn"] = f"{prefix}.proj.1"
    return names


VGG = {
    "torchvision": vgg_features,
    "timm": vgg_timm,
    "pytorchcv": vgg_pytorchcv,
    "the paper's code": vgg_single,
}
RESNET = {
    "torchvision or timm": resnet_torchvision,
    "timm with a deep stem": resnet_deep,
    "pytorchcv": resnet_pytorchcv,
}
MOBILENET = {"pytorchcv": mobilenet_pytorchcv, "timm": mobilenet_timm}
REGNET = {
    "timm": regnet_timm,
    "pytorchcv": regnet_pytorchcv,
    "torchvision": regnet_torchvision,
}
NAMINGS: dict[str, dict[str, Naming]] = {
    "vgg16": VGG,
    "vgg16_imagenet": VGG,
    "resnet20_wide": RESNET,
    "resnet34": RESNET,
    "mobilenet": MOBILENET,
    "mobilenet_cifar": MOBILENET,
    "regnetx_4gf": REGNET,
}
"""Network of the zoo to the packages whose names are known."""


def _unit(unit: str, prefix: str) -> Names:
    return {f"{unit}_conv": f"{prefix}.conv", f"{unit}_bn": f"{prefix}.bn"}


def _numbers(
    model: keras.Model, before: str, between: str, after: str
) -> Iterator[tuple[int, int]]:
    """The two numbers in names such as `stage1_unit2_conv`, in order."""
    for layer in model.layers:
        head, found, tail = layer.name.partition(between)
        if found and tail.endswith(after):
            yield (
                int(head.removeprefix(before)),
                int(tail.removesuffix(after)),
            )


def _classifier(model: keras.Model, pattern: str, step: int) -> Names:
    dense = [x.name for x in model.layers if isinstance(x, keras.layers.Dense)]
    return {n: pattern.format(i * step) for i, n in enumerate(dense)}


def _numbered_vgg(
    model: keras.Model, names: Names, step: int | None = None
) -> Names:
    """`features.N`, counting ReLU, pooling and, by default, batch norms."""
    has_norms = any(layer.name.endswith("_bn") for layer in model.layers)
    step = step or (3 if has_norms else 2)
    index = 0
    last_stage = 1
    names = dict(names)
    for stage, unit in _numbers(model, "stage", "_unit", "_conv"):
        index += stage - last_stage
        last_stage = stage
        names[f"stage{stage}_unit{unit}_conv"] = f"features.{index}"
        names[f"stage{stage}_unit{unit}_bn"] = f"features.{index + 1}"
        index += step
    return names


def _resnet_layers(model: keras.Model) -> Names:
    names = {"logits": "fc"}
    for stage, block in _numbers(model, "stage", "_block", "_1_conv"):
        prefix = f"layer{stage}.{block - 1}"
        unit = f"stage{stage}_block{block}"
        for number in (1, 2):
            names[f"{unit}_{number}_conv"] = f"{prefix}.conv{number}"
            names[f"{unit}_{number}_bn"] = f"{prefix}.bn{number}"
        names[f"{unit}_shortcut_conv"] = f"{prefix}.downsample.0"
        names[f"{unit}_shortcut_bn"] = f"{prefix}.downsample.1"
    return names


def _mobilenet_blocks(model: keras.Model) -> Iterator[tuple[int, int, int]]:
    """Number of each block, its stage and its place in it, from 1."""
    stage, unit, block = 1, 0, 0
    for layer in model.layers:
        if not layer.name.endswith("_depthwise_conv"):
            continue
        block += 1
        unit += 1
        if layer.strides[0] > 1:
            stage, unit = stage + 1, 1
        yield block, stage, unit


def _regnet_blocks(model: keras.Model, conv: str, shortcut: str) -> Names:
    names = {}
    for stage, block in _numbers(model, "stage", "_block", "_1_conv"):
        unit = f"stage{stage}_block{block}"
        for number in (1, 2, 3):
            prefix = conv.format(stage, block, number)
            names |= _unit(f"{unit}_{number}", prefix)
        names |= _unit(f"{unit}_shortcut", shortcut.format(stage, block))
    return names
