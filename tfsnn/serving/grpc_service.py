"""TensorFlow Serving's services over gRPC, from a repository."""

import numpy as np
import tensorflow as tf
from google.protobuf.message import Message

from tfsnn.errors import RequestError

from .repository import ModelRepository
from .stubs import apis, grpc_package

AVAILABLE = 30


def add_services(server: object, repository: ModelRepository) -> None:
    """Adds PredictionService and ModelService to a gRPC server.

    Args:
        server: A `grpc.Server`.
        repository: What they answer from.

    Raises:
        MissingExtraError: If the extra `serving` is not installed.
    """
    prediction = apis("prediction_service_pb2_grpc")
    model = apis("model_service_pb2_grpc")
    services = _Services(repository)

    class Prediction(prediction.PredictionServiceServicer):
        """Predict and GetModelMetadata; the others are for tf.Example."""

        def Predict(self, request, context):  # noqa: N802
            """See the protocol."""
            return _answered(services.predict, request, context)

        def GetModelMetadata(self, request, context):  # noqa: N802
            """See the protocol."""
            return _answered(services.metadata, request, context)

        def Classify(self, request, context):  # noqa: N802
            """See the protocol."""
            return _answered(services.refused, request, context)

        Regress = MultiInference = Classify

    class Model(model.ModelServiceServicer):
        """GetModelStatus."""

        def GetModelStatus(self, request, context):  # noqa: N802
            """See the protocol."""
            return _answered(services.status, request, context)

    prediction.add_PredictionServiceServicer_to_server(Prediction(), server)
    model.add_ModelServiceServicer_to_server(Model(), server)


def _answered(function, request, context):
    """The answer, or the status that tells why there is none."""
    try:
        return function(request)
    except RequestError as error:
        status = getattr(grpc_package().StatusCode, error.code)
        return context.abort(status, str(error))


class _Services:
    """Requests to answers; RequestError where there is none."""

    def __init__(self, repository: ModelRepository):
        self._repository = repository

    def predict(self, request: Message) -> Message:
        inputs = {
            name: array_of(name, proto)
            for name, proto in request.inputs.items()
        }
        with self._using(request.model_spec) as version:
            outputs = version.run(request.model_spec.signature_name, inputs)
            number = version.number
        wanted = list(request.output_filter) or list(outputs)
        unknown = sorted(set(wanted) - outputs.keys())
        if unknown:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"output_filter names {unknown}. Supported: {sorted(outputs)}.",
            )
        response = apis("predict_pb2").PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = number
        for name in wanted:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
        return response

    def metadata(self, request: Message) -> Message:
        fields = set(request.metadata_field)
        if fields != {"signature_def"}:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Metadata fields {sorted(fields)}. Supported: signature_def.",
            )
        messages = apis("get_model_metadata_pb2")
        found = messages.SignatureDefMap()
        response = messages.GetModelMetadataResponse()
        with self._using(request.model_spec) as version:
            for name, signature in version.signatures.items():
                found.signature_def[name].CopyFrom(signature)
            response.model_spec.name = request.model_spec.name
            response.model_spec.version.value = version.number
        response.metadata["signature_def"].Pack(found)
        return response

    def status(self, request: Message) -> Message:
        spec = request.model_spec
        self._repository.check_name(spec.name)
        numbers = self._repository.config.versions
        if spec.WhichOneof("version_choice"):
            numbers = [self._repository.number(*choice_of(spec))]
        response = apis("get_model_status_pb2").GetModelStatusResponse()
        for number in sorted(numbers, reverse=True):
            response.model_version_status.add(version=number, state=AVAILABLE)
        return response

    def refused(self, request: Message) -> Message:
        raise RequestError(
            "UNIMPLEMENTED",
            f"{type(request).__name__} is for tf.Example inputs. Supported:"
            " Predict, GetModelMetadata, GetModelStatus.",
        )

    def _using(self, spec):
        return self._repository.using(spec.name, *choice_of(spec))


def choice_of(spec: Message) -> tuple[int | None, str | None]:
    """Version and label that a ModelSpec chooses, None where it does not."""
    choice = spec.WhichOneof("version_choice")
    return (
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )


def array_of(name: str, proto: Message) -> np.ndarray:
    """The array in a TensorProto.

    Args:
        name: What to call it in errors.
        proto: A TensorProto.

    Returns:
        The array; texts as objects.

    Raises:
        RequestError: If it holds none.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    too_large = min(shape, default=0) < 0 or np.prod(shape, dtype=float) > 2**28
    try:
        if too_large:
            raise ValueError(f"its shape is {shape}")
        return tf.make_ndarray(proto)
    except (KeyError, TypeError, ValueError) as error:
        # KeyError: of a dtype that NumPy does not have, as of a resource.
        if isinstance(error, KeyError):
            reason = f"no array has its dtype, number {proto.dtype}"
        else:
            reason = str(error).rstrip(".")
        raise RequestError(
            "INVALID_ARGUMENT",
            f"Input '{name}' is no tensor: {reason}. Supported: a TensorProto"
            " with as many values as its shape says.",
        ) from error
