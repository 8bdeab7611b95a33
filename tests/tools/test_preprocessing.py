"""From stored pixels to the network's input."""

import json
import sys

import numpy as np
import pytest

from tfsnn.errors import DataError
from tfsnn_tools.preprocessing import Preprocessing

IMAGES = np.arange(2 * 2 * 2 * 3, dtype=np.float32).reshape(2, 2, 2, 3)


def apply(preprocessing, images=IMAGES):
    return preprocessing.transform()(images.copy())


def write_module(folder, monkeypatch, text):
    """Puts a module of this test into the current folder."""
    name = f"module_of_{folder.name}"
    (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


@pytest.mark.parametrize(
    "preprocessing, expected",
    [
        pytest.param(Preprocessing(), IMAGES, id="nothing"),
        pytest.param(Preprocessing(scale=0.5), IMAGES / 2, id="scale"),
        pytest.param(Preprocessing(mean=(1.0,)), IMAGES - 1, id="mean"),
        pytest.param(
            Preprocessing(mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0)),
            (IMAGES - [1, 2, 3]) / [2, 4, 8],
            id="per-channel",
        ),
        pytest.param(
            Preprocessing(scale=2.0, mean=(3.0,), std=(4.0,)),
            (IMAGES * 2 - 3) / 4,
            id="order",
        ),
    ],
)
def test_pixels_are_scaled_shifted_divided(preprocessing, expected):
    result = apply(preprocessing)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)  # Dyadic: exact.


def test_function_of_the_current_folder_is_applied(tmp_path, monkeypatch):
    text = "def double(images):\n    return images * 2\n"
    name = write_module(tmp_path, monkeypatch, text)
    path = list(sys.path)
    result = apply(Preprocessing(function=f"{name}:double"))
    np.testing.assert_array_equal(result, IMAGES * 2)
    assert sys.path == path


@pytest.mark.parametrize("shape", [(4, 6, 3), (2, 4, 6, 3)], ids=str)
def test_resized_changes_height_and_width(shape):
    images = np.full(shape, 7, np.uint8)
    result = Preprocessing(resize=(2, 3)).resized(images)
    assert result.shape == (*shape[:-3], 2, 3, 3)
    np.testing.assert_array_equal(result, 7)


@pytest.mark.parametrize(
    "sizes",
    [{}, {"resize": (2, 2)}, {"crop": (2, 2)}],
    ids=str,
)
def test_resized_leaves_images_of_the_right_size_alone(sizes):
    assert Preprocessing(**sizes).resized(IMAGES) is IMAGES


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_the_middle_of_the_shorter_side_is_cropped(several):
    """256 x 320 pixels: 224 x 224 of the middle, without resampling."""
    rows, columns = np.mgrid[:256, :320].astype("float32")
    image = np.stack([rows, columns], axis=-1)
    expected = image[16:240, 48:272]
    if several:
        image, expected = np.stack([image] * 2), np.stack([expected] * 2)
    found = Preprocessing(crop=(224, 224)).resized(image)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_larger_images_are_scaled_before_they_are_cropped():
    image = np.full((512, 600, 3), 7, "uint8")
    found = Preprocessing(crop=(8, 8)).resized(image)
    assert (found.shape, found.dtype) == ((8, 8, 3), np.float32)
    np.testing.assert_allclose(found, 7, rtol=1e-6)


@pytest.mark.parametrize(
    "preprocessing, text",
    [
        pytest.param(Preprocessing(), "x", id="nothing"),
        pytest.param(Preprocessing(scale=0.5), "x * 0.5", id="scale"),
        pytest.param(
            Preprocessing(scale=1 / 255, mean=(0.5,), std=(0.25, 0.5, 1)),
            "(x * 0.00392156863 - (0.5)) / (0.25, 0.5, 1)",
            id="all",
        ),
        pytest.param(
            Preprocessing(function="module:name", resize=(32, 48)),
            "module:name(x), x resized to 32x48 (bilinear)",
            id="function",
        ),
        pytest.param(
            Preprocessing(scale=0.5, crop=(32, 48)),
            "x * 0.5, x cropped to 32x48 of the middle",
            id="crop",
        ),
    ],
)
def test_describe_is_one_line(preprocessing, text):
    assert preprocessing.describe() == text


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(scale=1 / 255, mean=(0.5, 1.0), std=(0.25,)),
        Preprocessing(function="module:name", resize=(32, 48)),
        Preprocessing(crop=(32, 48)),
    ],
    ids=["numbers", "function", "crop"],
)
def test_fields_come_back(preprocessing):
    text = json.dumps(preprocessing.to_dict())
    assert Preprocessing.from_dict(json.loads(text)) == preprocessing


@pytest.mark.parametrize(
    "flags, expected",
    [
        pytest.param({}, Preprocessing(), id="none"),
        pytest.param(
            {"scale": "", "mean": [], "function": "", "resize": []},
            Preprocessing(),
            id="empty",
        ),
        pytest.param(
            {"scale": "1/255", "mean": ["0.5", "1"], "std": ["1/4", 2]},
            Preprocessing(scale=1 / 255, mean=(0.5, 1.0), std=(0.25, 2.0)),
            id="numbers",
        ),
        pytest.param(
            {"function": "module:name", "resize": ["32", "48"]},
            Preprocessing(function="module:name", resize=(32, 48)),
            id="function",
        ),
        pytest.param(
            {"crop": ["32", 48]}, Preprocessing(crop=(32, 48)), id="crop"
        ),
    ],
)
def test_flags_are_parsed(flags, expected):
    assert Preprocessing.from_flags(**flags) == expected


@pytest.mark.parametrize(
    "flags, text",
    [
        pytest.param({"scale": "big"}, "'big' in scale", id="scale"),
        pytest.param({"mean": ["1", "x"]}, "'x' in mean", id="mean"),
        pytest.param({"std": ["1/0"]}, "'1/0' in std", id="division"),
        pytest.param({"std": ["1/"]}, "'1/' in std", id="fraction"),
        pytest.param(
            {"resize": ["2.5", "3"]}, "resize=2.5,3. .*whole", id="resize"
        ),
        pytest.param({"crop": ["x", "3"]}, "'x' in crop", id="crop"),
    ],
)
def test_flags_that_are_no_numbers_are_refused(flags, text):
    with pytest.raises(DataError, match=text):
        Preprocessing.from_flags(**flags)


@pytest.mark.parametrize(
    "values, text",
    [
        pytest.param({"scale": 0.0}, "Received scale=0.0", id="zero"),
        pytest.param({"scale": np.inf}, "Received scale=inf", id="infinite"),
        pytest.param({"mean": (np.nan,)}, r"Received mean=\(nan", id="mean"),
        pytest.param({"std": (1.0, 0.0)}, "numbers above 0", id="std"),
        pytest.param({"std": (np.nan,)}, r"Received std=\(nan", id="std-nan"),
        pytest.param({"resize": (32,)}, "a height and a width", id="sizes"),
        pytest.param({"resize": (0, 2)}, r"resize=\(0, 2\)", id="no-height"),
        pytest.param({"crop": (2, 2, 3)}, r"crop=\(2, 2, 3\)", id="crops"),
        pytest.param(
            {"crop": (2, 2), "resize": (2, 2)}, "together with crop", id="sized"
        ),
        pytest.param({"function": "name"}, "module:function", id="no-colon"),
        pytest.param({"function": ":name"}, "Name both", id="no-module"),
        pytest.param(
            {"function": "a:b", "scale": 2.0}, "together with", id="both"
        ),
    ],
)
def test_values_out_of_range_are_refused(values, text):
    with pytest.raises(DataError, match=text):
        Preprocessing(**values)


@pytest.mark.parametrize("name", ["mean", "std"])
def test_lists_that_do_not_fit_the_channels_are_refused(name):
    preprocessing = Preprocessing(**{name: (1.0, 2.0)})
    text = f"2 numbers in {name}=.*have 3 channels"
    with pytest.raises(DataError, match=text):
        apply(preprocessing)


@pytest.mark.parametrize(
    "content, name, text",
    [
        pytest.param("", "absent", "AttributeError: .*absent", id="name"),
        pytest.param("import absent_", "f", "No module named", id="import"),
        pytest.param("def f(:", "f", "SyntaxError", id="syntax"),
        pytest.param("f = 3", "f", "which is a int", id="not-callable"),
    ],
)
def test_function_that_cannot_be_used_is_refused(
    tmp_path, monkeypatch, content, name, text
):
    module = write_module(tmp_path, monkeypatch, content)
    with pytest.raises(DataError, match=text):
        Preprocessing(function=f"{module}:{name}").transform()


def test_missing_module_is_refused():
    preprocessing = Preprocessing(function="absent_module:name")
    with pytest.raises(DataError, match="No module named 'absent_module'"):
        preprocessing.transform()


def test_function_has_to_return_one_result_an_image(tmp_path, monkeypatch):
    text = "def first(images):\n    return images[0, :1]\n"
    name = write_module(tmp_path, monkeypatch, text)
    text = r"received 2 images and returned an array of shape \(1, 2, 3\)"
    with pytest.raises(DataError, match=text):
        apply(Preprocessing(function=f"{name}:first"))
