"""From a trained network to the structure of a spiking one."""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np

from tfsnn.errors import ConversionError, UnsupportedLayerError
from tfsnn.graph.passes import prepare
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Graph
from tfsnn.types import Parameters, ReadoutParameters

from .check import check_graph, hidden_relus, is_neuron
from .config import ConversionConfig
from .counting_model import counting_model
from .lags import Lag, check_lag_names
from .preparation import reference_graph, with_options
from .spiking import build_spiking_model
from .unit_spikes import with_unit_spikes
from .verify import verify


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A network prepared for spiking; the same for every T.

    Attributes:
        graph: The prepared network, batch norms folded and every ReLU a layer
            of its own; its model gives the source's outputs.
        config: The options it was made with.
        difference: Largest difference to the source in the self-check, over
            the largest output.
    """

    graph: Graph
    config: ConversionConfig
    difference: float

    @property
    def analog(self) -> keras.Model:
        """The prepared network as a Keras model, still with ReLU."""
        return self.graph.model

    @property
    def neuron_names(self) -> list[str]:
        """Names of the layers that become neurons, in order."""
        return [call.name for call in self.graph if is_neuron(call)]

    def spiking_model(
        self,
        timesteps: int,
        *,
        lag: Lag | None = None,
        parameters: Mapping[str, Parameters] | None = None,
    ) -> keras.Model:
        """Builds the spiking network for one T.

        Args:
            timesteps: T, at least 1.
            lag: Steps each neuron charges before it may fire, 0...T, or neuron
                name to such a number, 0 for the others; None: 0, but T for
                bit-plane neurons, which can have no other. Neurons whose
                current is constant always have 0.
            parameters: Neuron name to parameters; a neuron without keeps a
                threshold of 1 and the initial potential with which it rounds,
                half a threshold for plain neurons. In terms of spikes worth a
                threshold, whatever `config.spikes` is. Of a read-out, by any
                name, `ReadoutParameters`.

        Returns:
            `keras.Model`, images `[B, ...]` to the outputs of the source,
            averaged over time; with its own weights.

        Raises:
            ValueError: If T, the lag or a name in either mapping does not
                fit, or the kind of neuron does not have this T or lag.
            ConversionError: If `config.spikes` is `"unit"` and no neuron has
                one threshold a layer or channel.
        """
        parameters = dict(parameters or {})
        unknown = sorted(
            name
            for name, values in parameters.items()
            if not isinstance(values, ReadoutParameters)
            and name not in self.neuron_names
        )
        if unknown:
            raise ValueError(
                f"parameters name no neuron of this network: {unknown}."
                f" Supported: {self.neuron_names}."
            )
        check_lag_names(lag, self.neuron_names)
        model = build_spiking_model(
            self.graph,
            timesteps=timesteps,
            lag=lag,
            kind=self.config.kind,
            parameters=parameters,
        )
        if self.config.spikes == "unit":
            return with_unit_spikes(model)
        return model

    def count_model(
        self,
        timesteps: int,
        *,
        parameters: Mapping[str, Parameters] | None = None,
    ) -> keras.Model:
        """Builds the two-phase network for one T without a time axis.

        Args:
            timesteps: T, at least 1; what it costs does not depend on T.
            parameters: As in `spiking_model`.

        Returns:
            `counting_model` of the spiking model with `lag=timesteps`.

        Raises:
            ValueError: As `spiking_model`.
            ConversionError: As `spiking_model`, or if `config.reset` is
                `"hard"` or a neuron has a temporal bias.
        """
        return counting_model(
            self.spiking_model(timesteps, lag=timesteps, parameters=parameters)
        )


def convert(
    model: keras.Model,
    *,
    config: ConversionConfig | None = None,
    sample: np.ndarray | None = None,
) -> Conversion:
    """Prepares a trained network for spiking; needs no data.

    Args:
        model: A trained Functional or Sequential model with ReLU; it is not
            changed.
        config: Options; the defaults if None.
        sample: Images `[B, ...]` for the self-check, or another form of data
            with them; None: random input.

    Returns:
        A `Conversion`.

    Raises:
        TypeError: If `model` is not a Keras 3 model.
        UnsupportedLayerError: If a layer has no spiking counterpart; lists
            every finding, as `check` does.
        ConversionError: If the graph is not known or the self-check fails.
        DataError: If the sample is empty or does not fit.
    """
    config = config or ConversionConfig()
    source = trace(model, stand_ins=True, affine=config.affine)
    findings = check_graph(source, config)
    if not findings.ok:
        raise UnsupportedLayerError(str(findings), findings)
    start = reference_graph(source, config)
    reference = model if start is source else start.model
    graph = with_options(prepare(start), config)
    after = check_graph(graph)
    hidden = hidden_relus(graph)
    if hidden or not after.ok:
        raise ConversionError(
            f"Preparing '{model.name}' left something unconverted: ReLUs inside"
            f" of {hidden or 'no layer'}. {after} This is a fault of the"
            " conversion: report the model with `tfsnn check MODEL --json`.",
            after,
        )
    return Conversion(graph, config, verify(graph.model, reference, sample))
