"""What the remedy for several inputs says works."""

import keras
import numpy as np

from tfsnn import calibrate, check, convert

layers = keras.layers


def two_inputs():
    a, b = keras.Input((5,)), keras.Input((7,))
    y = layers.Add()([layers.Dense(6)(a), layers.Dense(6)(b)])
    y = layers.Concatenate()([layers.ReLU()(y), b])
    return keras.Model([a, b], layers.Dense(3)(y))


def test_inputs_side_by_side():
    model = two_inputs()
    (finding,) = check(model)
    assert "keras.Input((N + M,))" in finding.remedy
    joined = keras.Input((12,))
    one = keras.Model(joined, model([joined[:, :5], joined[:, 5:]]))
    conversion = convert(one)
    images = np.random.default_rng(0).normal(size=(32, 12)).astype("float32")
    np.testing.assert_allclose(
        conversion.analog(images),
        model([images[:, :5], images[:, 5:]]),
        rtol=1e-5,
        atol=1e-5,
    )
    result = calibrate(conversion, images, timesteps=[64])
    wanted = np.asarray(conversion.analog(images))
    error = np.linalg.norm(result[64](images) - wanted)
    assert error <= 0.1 * np.linalg.norm(wanted)
