"""Packaging of tfsnn: version, dependencies, extras, console script."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "([^"]+)"',
    (ROOT / "tfsnn/version.py").read_text(encoding="utf-8"),
).group(1)

DATA = ["tensorflow-datasets>=4.9,<5", "importlib_resources>=5"]
DISTRIBUTED = ["ray>=2.9,<3"]
PLOT = ["matplotlib>=3.8,<4"]
REPORT = [*PLOT, "jinja2>=3.1,<4"]
# The messages of TensorFlow Serving belong to a version of TensorFlow.
SERVING = ["tensorflow-serving-api>=2.18,<3", "grpcio>=1.60,<2"]
# Runs LiteRT files; TensorFlow writes them.
EDGE = ["ai-edge-litert>=1.2,<3"]
NIR = ["nir>=1.0.4,<2"]
# A new minor version of ruff may format differently: raise it on purpose.
TEST = [
    "pytest>=8.2,<10",
    "pytest-xdist>=3.6,<4",
    "hypothesis>=6.100,<7",
    "ruff>=0.17,<0.18",
    "build>=1.2,<2",
    "selenium>=4.20,<5",
    "setuptools>=77",
]

# The folders tools/ and models/ carry names that would clash in
# site-packages; both are imported as tfsnn_tools and tfsnn_models, in a
# checkout (pip install -e .) as in a wheel.
PACKAGE_DIR = {"tfsnn_tools": "tools", "tfsnn_models": "models"}

setuptools.setup(
    name="tfsnn",
    version=VERSION,
    description="Trained Keras networks as calibrated spiking networks",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[
        *setuptools.find_packages(include=["tfsnn", "tfsnn.*"]),
        *PACKAGE_DIR,
    ],
    package_dir=PACKAGE_DIR,
    package_data={
        "tfsnn.reports": ["*.j2"],
        "tfsnn_models": ["weights/*", "samples/*"],
    },
    install_requires=[
        "tensorflow>=2.18,<3",
        "keras>=3.8,<4",
        "numpy>=2,<3",
        "absl-py>=2,<3",
        "h5py>=3.11,<4",
        "rich>=13,<16",
        "tqdm>=4.66,<5",
    ],
    extras_require={
        "data": DATA,
        "distributed": DISTRIBUTED,
        "edge": EDGE,
        "nir": NIR,
        "plot": PLOT,
        "report": REPORT,
        "serving": SERVING,
        "tensorboard": ["tensorboard>=2.18,<3"],
        "test": [*TEST, *DATA, *EDGE, *NIR, *REPORT, *SERVING],
        # Not tensorflow-model-optimization: it asks for absl-py 1.
        "tfmot": ["tf_keras>=2.18,<3"],
    },
    entry_points={"console_scripts": ["tfsnn=tfsnn_tools.main:run"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
