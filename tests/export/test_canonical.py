"""Equal models give equal bytes."""

import re

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from tfsnn.export.canonical import canonical_bytes


def saved_model(first, *, swapped=False):
    """Two functions, one calling the other, traced from `first` on."""
    called, caller = f"while_body_{first}", f"__inference_serve_{first + 9}"
    model = saved_model_pb2.SavedModel()
    meta_graph = model.meta_graphs.add()
    library = meta_graph.graph_def.library
    for name in (caller, called) if swapped else (called, caller):
        library.function.add().signature.name = name
    (function,) = (f for f in library.function if f.signature.name == caller)
    node = function.node_def.add(
        name=f"{called}/x", op="StatefulPartitionedCall"
    )
    node.input.append(f"while_{called}___placeholder")
    node.attr["f"].func.name = called
    node.attr["label"].s = called.encode()
    node.attr["data"].tensor.tensor_content = called.encode()
    node.attr["_gradient_op_type"].s = f"PartitionedCall-{first}".encode()
    argument = function.arg_attr[0].attr
    argument["_user_specified_name"].s = str(first).encode()
    function.arg_attr[1].attr["_user_specified_name"].s = b"images"
    functions = meta_graph.object_graph_def.concrete_functions
    functions[caller].bound_inputs.append(1)
    meta_graph.signature_def["serve"].method_name = "predict"
    return model


def canonical(*arguments, **options):
    content = saved_model(*arguments, **options).SerializeToString()
    return saved_model_pb2.SavedModel.FromString(canonical_bytes(content))


def serve(model):
    library = model.meta_graphs[0].graph_def.library
    return {f.signature.name: f for f in library.function}[
        "__inference_serve_1"
    ]


# The tensor content, which no rename touches, holds the counter here.
@pytest.mark.parametrize("swapped", [False, True], ids=["sorted", "swapped"])
def test_order_of_functions_does_not_matter(swapped):
    content = saved_model(3, swapped=swapped).SerializeToString()
    assert canonical_bytes(content) == canonical(3).SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("first", [3, 96, 995, 123456])
def test_counter_does_not_matter(first):
    def without_data(model):
        del serve(model).node_def[0].attr["data"]
        return model.SerializeToString(deterministic=True)

    assert without_data(canonical(first)) == without_data(canonical(7))


def test_functions_are_numbered_in_the_order_of_tracing():
    library = canonical(995).meta_graphs[0].graph_def.library
    names = [function.signature.name for function in library.function]
    assert names == ["__inference_serve_1", "while_body_0"]


def test_every_mention_is_renamed():
    model = canonical(995)
    node = serve(model).node_def[0]
    assert node.name == "while_body_0/x"
    assert node.input == ["while_while_body_0___placeholder"]
    assert node.attr["f"].func.name == "while_body_0"
    assert node.attr["label"].s == b"while_body_0"
    functions = model.meta_graphs[0].object_graph_def.concrete_functions
    assert functions["__inference_serve_1"].bound_inputs == [1]
    assert len(functions) == 1


def test_longer_numbers_are_other_names():
    model = saved_model(12)
    library = model.meta_graphs[0].graph_def.library
    library.function[0].node_def.add(name="while_body_123")
    content = canonical_bytes(model.SerializeToString())
    assert b"while_body_123" in content
    assert not re.search(rb"while_body_12(?!3)", content.split(b"data")[0])


def test_tensor_content_is_untouched():
    content = serve(canonical(995)).node_def[0].attr["data"].tensor
    assert content.tensor_content == b"while_body_995"


def test_counters_in_attributes_are_dropped():
    function = serve(canonical(995))
    assert "_gradient_op_type" not in function.node_def[0].attr
    assert "_user_specified_name" not in function.arg_attr[0].attr


def test_names_of_arguments_stay():
    name = serve(canonical(995)).arg_attr[1].attr["_user_specified_name"]
    assert name.s == b"images"


def test_rewriting_again_changes_nothing():
    once = canonical_bytes(saved_model(995).SerializeToString())
    assert canonical_bytes(once) == once


def test_a_graph_without_functions_is_kept():
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    model.meta_graphs.add().graph_def.node.add(name="x", op="NoOp")
    content = canonical_bytes(model.SerializeToString())
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    assert [node.name for node in meta_graph.graph_def.node] == ["x"]
