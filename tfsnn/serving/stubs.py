"""The messages and services of TensorFlow Serving, of the extra `serving`."""

import types

from tfsnn.extras import import_extra

EXTRA = "serving"


def apis(name: str) -> types.ModuleType:
    """A module of `tensorflow_serving.apis`.

    Args:
        name: Its last part, for example `"predict_pb2"`.

    Returns:
        The module.

    Raises:
        MissingExtraError: If the extra is not installed.
    """
    return import_extra(f"tensorflow_serving.apis.{name}", EXTRA)


def grpc_package() -> types.ModuleType:
    """The package `grpc`.

    Raises:
        MissingExtraError: If the extra is not installed.
    """
    return import_extra("grpc", EXTRA)


def model_server_config() -> types.ModuleType:
    """The messages of `models.config`.

    Raises:
        MissingExtraError: If the extra is not installed.
    """
    name = "tensorflow_serving.config.model_server_config_pb2"
    return import_extra(name, EXTRA)
