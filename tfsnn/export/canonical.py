"""The same SavedModel gives the same bytes, in every process.

TensorFlow numbers its functions by a counter of the process, and writes maps
and function libraries in no fixed order. Here functions are numbered from 0
in the order they were traced, and everything is written in a fixed order.
"""

import re
from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tensorflow.core.protobuf import saved_model_pb2

_TEXT = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
# Raw numbers of a tensor; no names are in there.
_SKIPPED = {"tensor_content"}
_NUMBERED = re.compile(r"(.*)_(\d+)", re.DOTALL)

Rename = Callable[[str], str]


def canonical_bytes(content: bytes) -> bytes:
    """Rewrites a `saved_model.pb` so that it depends on the model only.

    Args:
        content: The file as TensorFlow wrote it.

    Returns:
        The content of an equivalent file.
    """
    model = saved_model_pb2.SavedModel.FromString(content)
    for meta_graph in model.meta_graphs:
        graph = meta_graph.graph_def
        _drop_counters(graph)
        _renamed(meta_graph, _rename_functions(graph.library.function))
        ordered = sorted(graph.library.function, key=_function_name)
        del graph.library.function[:]
        graph.library.function.extend(ordered)
    return model.SerializeToString(deterministic=True)


def _function_name(function) -> str:
    return function.signature.name


def _drop_counters(graph) -> None:
    """Removes attributes that hold counters and that inference never reads."""
    nodes = [graph.node, *(f.node_def for f in graph.library.function)]
    for node in (node for group in nodes for node in group):
        if "_gradient_op_type" in node.attr:
            del node.attr["_gradient_op_type"]
    for function in graph.library.function:
        for attributes in function.arg_attr.values():
            # A captured variable has a number in place of a name.
            name = attributes.attr.get("_user_specified_name")
            if name is not None and name.s.isdigit():
                del attributes.attr["_user_specified_name"]


def _rename_functions(functions) -> Rename:
    """Names the n-th traced function `stem_n`, wherever it is mentioned."""
    found = [_NUMBERED.fullmatch(_function_name(f)) for f in functions]
    found = sorted(
        (match for match in found if match), key=lambda match: int(match[2])
    )
    new = {match[0]: f"{match[1]}_{i}" for i, match in enumerate(found)}
    if not new:
        return lambda text: text
    longest_first = sorted(new, key=len, reverse=True)
    pattern = re.compile(
        f"(?:{'|'.join(map(re.escape, longest_first))})(?!\\d)"
    )
    return lambda text: pattern.sub(lambda match: new[match[0]], text)


def _renamed(value, rename: Rename):
    """Renames within messages, in place, and returns text renamed."""
    if isinstance(value, bytes):
        # Any bytes can be Latin-1, and come back unchanged.
        return rename(value.decode("latin-1")).encode("latin-1")
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, Message):
        for field, content in value.ListFields():
            if field.name not in _SKIPPED:
                _rename_field(value, field, content, rename)
    return value


def _rename_field(message, field, content, rename: Rename) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        _rename_map(content, kind, rename)
    elif kind is not None:
        repeated = not isinstance(content, Message)
        for item in content if repeated else (content,):
            _renamed(item, rename)
    elif field.type in _TEXT:
        if isinstance(content, (str, bytes)):
            setattr(message, field.name, _renamed(content, rename))
        else:
            content[:] = [_renamed(item, rename) for item in content]


def _rename_map(content, kind, rename: Rename) -> None:
    of_messages = kind.fields_by_name["value"].message_type is not None
    for key in list(content):
        value = _renamed(content[key], rename)
        new = _renamed(key, rename)
        if not of_messages:
            del content[key]
            content[new] = value
        elif new != key:
            moved = type(value)()
            moved.CopyFrom(value)
            del content[key]
            content[new].CopyFrom(moved)
