"""Max pooling of spikes: exact in the total, at every step and clock."""

import keras
import tensorflow as tf

from tfsnn.dynamics.running_maximum import PoolState, pool_step, pool_train

from .timesteps import checked_timesteps

MAX_POOLS = (
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
)


@keras.saving.register_keras_serializable(package="tfsnn")
class SpikingMaxPooling(keras.layers.Layer):
    """Max pooling over space of what has come so far, step by step.

        y[t] = M[t] - M[t-1],    M[t] = pool(sum of the inputs up to t)

    So the sum over time is the pool of the sums over time, whatever the clock.
    Of spikes of {0, 1} it makes spikes of {0, 1}.

    Args:
        timesteps: T, at least 1.
        pool: A max pooling layer of Keras.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Input shape:
        Folded time `[T*B, ...]`, time first.

    Output shape:
        That of the pool, `[T*B, ...]`.

    Raises:
        ValueError: If T is out of range or `pool` is another layer.
    """

    def __init__(self, timesteps: int, pool: keras.layers.Layer, **kwargs):
        """See the class."""
        # Totals are kept in the variable dtype.
        super().__init__(autocast=False, **kwargs)
        self.timesteps = checked_timesteps(timesteps)
        if isinstance(pool, dict):
            pool = keras.saving.deserialize_keras_object(pool)
        if not isinstance(pool, MAX_POOLS):
            supported = ", ".join(cls.__name__ for cls in MAX_POOLS)
            raise ValueError(
                f"SpikingMaxPooling received pool={pool!r}. Supported:"
                f" {supported}. Pass one of them, or keep another layer as it"
                " is."
            )
        config = {**pool.get_config(), "dtype": self.variable_dtype}
        self.pool = type(pool).from_config(config)

    @property
    def data_format(self) -> str:
        """Where the channels are, as in Keras."""
        return self.pool.data_format

    def call(self, inputs):
        """Folded time to folded time."""
        wide = tf.cast(inputs, self.variable_dtype)
        pooled = pool_train(wide, self.pool, self.timesteps)
        return tf.cast(pooled, self.compute_dtype)

    def step(
        self, inputs: tf.Tensor, state: PoolState
    ) -> tuple[tf.Tensor, PoolState]:
        """One step.

        Args:
            inputs: `[B, ...]`.
            state: State before the step.

        Returns:
            `[B, ...]` in the compute dtype, and the state after the step.
        """
        wide = tf.cast(inputs, self.variable_dtype)
        outputs, state = pool_step(wide, state, self.pool)
        return tf.cast(outputs, self.compute_dtype), state

    def state_spec(self, feature_shape: tuple) -> PoolState:
        """Shapes and dtype of the state, for any B.

        Args:
            feature_shape: Of the input, without the batch.

        Returns:
            A `PoolState` of `tf.TensorSpec`.
        """
        total = (None, *feature_shape)
        pooled = self.pool.compute_output_shape(total)
        return PoolState(
            *(tf.TensorSpec(s, self.variable_dtype) for s in (total, pooled))
        )

    def initial_state(
        self, feature_shape: tuple, batch_size: int | tf.Tensor
    ) -> PoolState:
        """The state before the first step: zeros.

        Args:
            feature_shape: Of the input, without the batch.
            batch_size: B.

        Returns:
            Tensors `[B, ...]`.
        """
        return PoolState(
            *(
                tf.zeros(tf.stack([batch_size, *spec.shape[1:]]), spec.dtype)
                for spec in self.state_spec(feature_shape)
            )
        )

    def compute_output_shape(self, input_shape):
        """That of the pool."""
        return self.pool.compute_output_shape(input_shape)

    def get_config(self):
        """The constructor's arguments; the pool as a nested config."""
        return {
            **super().get_config(),
            "timesteps": self.timesteps,
            "pool": keras.saving.serialize_keras_object(self.pool),
        }
