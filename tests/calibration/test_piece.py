import numpy as np
import pytest
import tensorflow as tf

from tfsnn.calibration.piece import Piece, pieces, run_piece


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


def run(piece, give, current, potential=0.5):
    return run_piece(
        piece,
        give,
        "soft",
        tf.constant(current, tf.float32),
        tf.constant([potential]),
        tf.constant(2.0),
        tf.constant(0.25),
    )


def test_a_byte_has_a_bit_for_each_step():
    # In thresholds: 0.5 + 1 = 1.5 fires, 0.5 + 0.25 does not, 0.75 + 1 does.
    current = [[1.75], [0.25], [1.75]]
    potential, byte = run(Piece(3, 3, False), "byte", current)
    assert byte.numpy().tolist() == [0b101]
    assert potential.numpy().tolist() == [0.75]


def test_a_count_is_the_number_of_spikes():
    (count,) = run(Piece(3, 3, True), "count", [[1.75], [0.25], [1.75]])
    assert count.numpy().tolist() == [2]
    assert count.dtype == tf.float32


def test_charging_gives_the_potential_alone():
    (potential,) = run(Piece(2, 0, False), "byte", [[1.75], [0.25]])
    assert potential.numpy().tolist() == [0.5 + 1 + 0.25]


def test_firing_alone_needs_no_current():
    empty = np.zeros([0, 1], "float32")
    potential, count = run(Piece(0, 2, False), "count", empty, potential=3.5)
    assert (count.numpy(), potential.numpy()) == (2, 1.5)


def test_a_constant_current_flows_at_every_step():
    potential, byte = run(Piece(3, 3, False), "byte", [0.75])
    # 0.5 + 0.5 fires, 0 + 0.5 does not, 0.5 + 0.5 fires.
    assert byte.numpy().tolist() == [0b101]
    assert potential.numpy().tolist() == [0.0]
