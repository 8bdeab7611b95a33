"""Tiny networks of PyTorch packages: their state dicts and what they answer.

python -m tests.golden.torch_networks   (needs torch, torchvision, timm and
                                         pytorchcv, which no test does)

Maximum poolings are replaced by average poolings, as in the zoo. A file holds
the image, the logits and, under `state/`, the state dict.
"""

import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "torch"
NUM_CLASSES = 5


def torchvision_vgg():
    """With batch norms behind biases, and a flattened 2x2 map."""
    from torch import nn
    from torchvision.models import vgg

    shape = [2, 2, "M", 4, 4, "M", 8, 8, 8, "M", 16, 16, 16, "M"]
    model = vgg.VGG(vgg.make_layers([*shape, 16, 16, 16, "M"], batch_norm=True))
    model.avgpool = nn.Identity()
    model.classifier = nn.Sequential(
        nn.Linear(16 * 4, 5),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(5, 3),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(3, NUM_CLASSES),
    )
    return model, 64


def pytorchcv_vgg():
    """Without batch norms."""
    from pytorchcv.models import vgg
    from torch import nn

    channels = [[2] * 2, [4] * 2, [8] * 3, [16] * 3, [16] * 3]
    model = vgg.VGG(channels, num_classes=NUM_CLASSES, in_size=(32, 32))
    model.output.fc1.fc = nn.Linear(16, 5)
    model.output.fc2.fc = nn.Linear(5, 3)
    model.output.fc3 = nn.Linear(3, NUM_CLASSES)
    return model, 32


def timm_resnet():
    """With a deep stem."""
    from timm.models import resnet

    model = resnet.ResNet(
        resnet.BasicBlock,
        [1, 2, 1, 1],
        num_classes=NUM_CLASSES,
        stem_width=2,
        stem_type="deep",
        channels=(4, 8, 16, 32),
    )
    return model, 32


def pytorchcv_resnet():
    """With one convolution in the stem."""
    from pytorchcv.models import resnet

    model = resnet.ResNet(
        [[4], [8, 8]],
        init_block_channels=4,
        bottleneck=False,
        conv1_stride=False,
        num_classes=NUM_CLASSES,
    )
    return _global(model), 16


def pytorchcv_mobilenet():
    from pytorchcv.models import mobilenet

    model = mobilenet.MobileNet(
        [[4], [8], [16, 16], [32]],
        first_stage_stride=False,
        num_classes=NUM_CLASSES,
    )
    return _global(model), 16


def timm_regnet():
    from timm.models import regnet

    config = regnet.RegNetCfg(
        w0=8, wa=8.0, wm=1.5, group_size=4, depth=5, stem_width=4
    )
    return regnet.RegNet(config, num_classes=NUM_CLASSES), 32


def pytorchcv_regnet():
    from pytorchcv.models import regnet

    model = regnet.RegNet(
        [[8], [16, 16]],
        init_block_channels=4,
        groups=[4, 4],
        use_se=False,
        num_classes=NUM_CLASSES,
    )
    return model, 16


def torchvision_regnet():
    from torchvision.models import regnet

    blocks = regnet.BlockParams(
        depths=[1, 2],
        widths=[8, 16],
        group_widths=[4, 4],
        bottleneck_multipliers=[1.0, 1.0],
        strides=[2, 2],
    )
    model = regnet.RegNet(blocks, num_classes=NUM_CLASSES, stem_width=4)
    return model, 16


def _global(model):
    """A global average in place of that of 7x7 pixels."""
    from torch import nn

    model.features.final_pool = nn.AdaptiveAvgPool2d(1)
    return model


def _with_average_pools(model):
    from torch import nn

    for name, child in model.named_children():
        if isinstance(child, nn.MaxPool2d):
            setattr(model, name, nn.AvgPool2d(2))
        else:
            _with_average_pools(child)
    return model


def _drawn(model, generator):
    """Every weight and statistic drawn anew, so that each one matters."""
    import torch

    state = model.state_dict()
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        drawn = generator.normal(size=value.shape)
        if value.ndim > 1:
            drawn *= np.sqrt(2 / np.prod(value.shape[1:]))
        elif name.endswith(("running_var", "weight")):
            drawn = generator.uniform(0.5, 2, value.shape)
        state[name] = torch.tensor(drawn, dtype=torch.float32)
    model.load_state_dict(state)
    return model.eval()


NETWORKS = (
    torchvision_vgg,
    pytorchcv_vgg,
    timm_resnet,
    pytorchcv_resnet,
    pytorchcv_mobilenet,
    timm_regnet,
    pytorchcv_regnet,
    torchvision_regnet,
)


def main() -> None:
    import torch

    FOLDER.mkdir(exist_ok=True)
    for make in NETWORKS:
        generator = np.random.default_rng(0)
        model, size = make()
        model = _drawn(_with_average_pools(model), generator)
        image = generator.normal(size=(1, 3, size, size)).astype("float32")
        with torch.no_grad():
            logits = model(torch.tensor(image)).numpy()
        state = {
            f"state/{name}": value.numpy()
            for name, value in model.state_dict().items()
        }
        np.savez_compressed(
            FOLDER / f"{make.__name__}.npz",
            image=image.transpose(0, 2, 3, 1),
            logits=logits,
            **state,
        )


if __name__ == "__main__":
    main()
