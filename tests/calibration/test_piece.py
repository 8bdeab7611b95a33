import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import KINDS
from tfsnn.calibration.piece import (
    Firing,
    Piece,
    num_steps,
    pieces,
    run_piece,
)
from tfsnn.dynamics import BitPlane, Burst, IntegrateAndFire

PLAIN = Firing(IntegrateAndFire(), 3)


@pytest.mark.parametrize(
    ("timesteps", "lag", "expected"),
    [
        (3, 0, [(0, Piece(3, 3, True))]),
        (8, 0, [(0, Piece(8, 8, True))]),
        (9, 0, [(0, Piece(8, 8, False)), (8, Piece(1, 1, True))]),
        (4, 2, [(0, Piece(2, 0, False)), (2, Piece(2, 4, True))]),
        (4, 4, [(0, Piece(4, 0, False)), (4, Piece(0, 4, True))]),
    ],
    ids=str,
)
def test_division_of_a_run(timesteps, lag, expected):
    assert list(pieces(timesteps, lag, 8)) == expected


@pytest.mark.parametrize("size", [1, 8, 32])
@pytest.mark.parametrize("timesteps", [1, 7, 8, 33])
def test_pieces_cover_the_run(timesteps, size):
    for lag in (0, 1, timesteps):
        divided = [piece for _, piece in pieces(timesteps, lag, size)]
        assert sum(piece.charging for piece in divided) == timesteps
        assert sum(piece.firing for piece in divided) == timesteps
        assert [piece.is_last for piece in divided][-1]
        assert sum(piece.is_last for piece in divided) == 1


def run(piece, give, current, potential=0.5, firing=PLAIN):
    state = firing.kind.initial_state(tf.constant([potential]))
    return run_piece(
        piece,
        give,
        firing,
        tf.constant(current, tf.float32),
        *state,
        tf.constant(2.0),
        tf.constant(0.25),
    )


def test_a_byte_has_a_bit_for_each_step():
    # In thresholds: 0.5 + 1 = 1.5 fires, 0.5 + 0.25 does not, 0.75 + 1 does.
    current = [[1.75], [0.25], [1.75]]
    potential, byte = run(Piece(3, 3, False), "byte", current)
    assert byte.numpy().tolist() == [0b101]
    assert potential.numpy().tolist() == [0.75]


def test_a_total_is_the_number_of_spikes():
    (total,) = run(Piece(3, 3, True), "total", [[1.75], [0.25], [1.75]])
    assert total.numpy().tolist() == [2]
    assert total.dtype == tf.float32


def test_a_byte_has_two_bits_for_a_burst_of_up_to_three():
    # In thresholds: 0.5 + 2.5 = 3 spikes, 0 + 0.5, 0.5 + 1 = one and a half.
    current = [[4.75], [0.75], [1.75]]
    potential, byte = run(
        Piece(3, 3, False), "byte", current, firing=Firing(Burst(3), 3)
    )
    assert byte.numpy().tolist() == [0b01_00_11]
    assert potential.numpy().tolist() == [0.5]


def test_the_whole_state_goes_on():
    kind = KINDS["signed"]
    firing = Firing(kind, 2)
    # In thresholds: 0.5 + 1 fires; then it has fired 1 and takes it back.
    *state, total = run(
        Piece(2, 2, False), "total", [[1.75], [-2.25]], firing=firing
    )
    assert [values.numpy().tolist() for values in state] == [[0.5], [0]]
    assert total.numpy().tolist() == [0]
    *state, _ = run(Piece(1, 1, False), "total", [[1.75]], firing=firing)
    assert [values.numpy().tolist() for values in state] == [[0.5], [1]]


def test_a_piece_knows_its_first_step():
    """Bits of 3/4 of the threshold, four times that is charged."""
    firing = Firing(BitPlane(), 4)
    empty = np.zeros([0, 1], "float32")
    bits = []
    potential = 3.0
    for step in range(4):
        outputs = run(
            Piece(0, 1, step == 3),
            "byte",
            empty,
            potential=potential,
            firing=firing.at(step),
        )
        bits.append(int(outputs[-1][0]))
        potential = float(outputs[0][0])
    assert bits == [1, 1, 0, 0]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_pieces_share_a_graph_where_steps_are_alike(kind):
    firing = Firing(kind, 16)
    assert (firing.at(8) == firing) == (kind.name != "bit_plane")


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (KINDS["if"], 8),
        (KINDS["signed"], 4),
        (KINDS["bit_plane"], 8),
        (Burst(1), 8),
        (Burst(4), 2),
        (Burst(255), 1),
    ],
    ids=str,
)
def test_as_many_steps_as_fit_in_a_byte(kind, steps):
    assert num_steps("byte", kind) == steps
    assert num_steps("total", kind) == 32


def test_charging_gives_the_potential_alone():
    (potential,) = run(Piece(2, 0, False), "byte", [[1.75], [0.25]])
    assert potential.numpy().tolist() == [0.5 + 1 + 0.25]


def test_firing_alone_needs_no_current():
    empty = np.zeros([0, 1], "float32")
    potential, total = run(Piece(0, 2, False), "total", empty, potential=3.5)
    assert (total.numpy(), potential.numpy()) == (2, 1.5)


def test_a_constant_current_flows_at_every_step():
    potential, byte = run(Piece(3, 3, False), "byte", [0.75])
    # 0.5 + 0.5 fires, 0 + 0.5 does not, 0.5 + 0.5 fires.
    assert byte.numpy().tolist() == [0b101]
    assert potential.numpy().tolist() == [0.0]
