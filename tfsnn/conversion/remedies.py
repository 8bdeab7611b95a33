"""Why layers outside of the supported ones are refused, and what to do.

By class name, not by class: not every version of Keras has all of them, and
the ones inside of keras.applications are not exported.
"""

_PRODUCT = (
    "it multiplies signals with each other, and a product of spike trains is"
    " not the spike train of the product"
)
_NO_GATE = (
    "Retrain without gates (squeeze-and-excitation, attention), or with a"
    " constant factor in place of the gate."
)
_STATISTICS = "it divides by a deviation of the sample at hand"
_USE_BATCH_NORM = (
    "Retrain with BatchNormalization, which is affine at inference."
)
_RECURRENT = "it has a time axis and a state of its own"
_NO_SEQUENCES = (
    "Only feed-forward networks convert. Replace it by convolutions and"
    " retrain."
)
_EACH_STEP = "it is a wrapper that has a time axis of its own"
_DIRECTLY = (
    "Call the layer inside of it directly: Dense works on the last axis, a"
    " Conv3D with a kernel of 1 in time as a Conv2D at every step."
)
_SPEECH = "attention multiplies signals and needs a softmax inside the network"
_LOOKUP = "it looks integers up; spikes come from numbers"
_EMBED_FIRST = (
    "Convert the part of the model behind it, and embed the data beforehand."
)
_ANY_CODE = "any code may be in it"
_DECLARE = (
    "Use Keras layers or keras.ops calls in its place; or, if it is affine and"
    " treats every sample alone, declare it: ConversionConfig(affine=(NAME,)),"
    " on the command line --affine=NAME."
)
_CHOICE = "which of the signals is the larger one is not known before the end"
_ADD_OR_JOIN = "Retrain with Add or Concatenate in its place."
_LAYER_SCALE = (
    "it multiplies by learned numbers, in a class that Keras does not export"
)
_REGISTER = "Declare it: tfsnn.register_rule(type(layer), 'affine')."

_REASONS = {
    "Multiply": (_PRODUCT, _NO_GATE),
    "Dot": (_PRODUCT, _NO_GATE),
    "LayerNormalization": (_STATISTICS, _USE_BATCH_NORM),
    "GroupNormalization": (_STATISTICS, _USE_BATCH_NORM),
    "RMSNormalization": (_STATISTICS, _USE_BATCH_NORM),
    "UnitNormalization": (_STATISTICS, _USE_BATCH_NORM),
    "LSTM": (_RECURRENT, _NO_SEQUENCES),
    "GRU": (_RECURRENT, _NO_SEQUENCES),
    "SimpleRNN": (_RECURRENT, _NO_SEQUENCES),
    "RNN": (_RECURRENT, _NO_SEQUENCES),
    "ConvLSTM1D": (_RECURRENT, _NO_SEQUENCES),
    "ConvLSTM2D": (_RECURRENT, _NO_SEQUENCES),
    "ConvLSTM3D": (_RECURRENT, _NO_SEQUENCES),
    "Bidirectional": (_RECURRENT, _NO_SEQUENCES),
    "TimeDistributed": (_EACH_STEP, _DIRECTLY),
    "MultiHeadAttention": (_SPEECH, _NO_SEQUENCES),
    "GroupedQueryAttention": (_SPEECH, _NO_SEQUENCES),
    "Attention": (_SPEECH, _NO_SEQUENCES),
    "AdditiveAttention": (_SPEECH, _NO_SEQUENCES),
    "Embedding": (_LOOKUP, _EMBED_FIRST),
    "TextVectorization": (_LOOKUP, _EMBED_FIRST),
    "StringLookup": (_LOOKUP, _EMBED_FIRST),
    "IntegerLookup": (_LOOKUP, _EMBED_FIRST),
    "CategoryEncoding": (_LOOKUP, _EMBED_FIRST),
    "Hashing": (_LOOKUP, _EMBED_FIRST),
    "Discretization": (_LOOKUP, _EMBED_FIRST),
    "Lambda": (_ANY_CODE, _DECLARE),
    "Maximum": (_CHOICE, _ADD_OR_JOIN),
    "Minimum": (_CHOICE, _ADD_OR_JOIN),
    "LayerScale": (_LAYER_SCALE, _REGISTER),
}

UNKNOWN = (
    "no rule for this layer",
    "Supported: convolutions, Dense, pooling, batch normalisation, Add,"
    " Concatenate, reshaping, padding, ReLU. Replace the layer by these, or"
    " declare what it is with tfsnn.register_rule.",
)


def reason_and_remedy(kind: str) -> tuple[str, str]:
    """Why layers of a class are refused, and what to do.

    Args:
        kind: Name of the class.

    Returns:
        Reason and remedy; the general ones for other classes.
    """
    return _REASONS.get(kind, UNKNOWN)
