import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import KINDS
from tfsnn.calibration.spike_store import (
    FrontierStore,
    pack,
    steps_per_byte,
    total,
    train_of,
    unpack,
)
from tfsnn.dynamics import Burst

STORED = {**KINDS, "burst 4": Burst(4), "burst 255": Burst(255)}
every_kind = pytest.mark.parametrize("kind", STORED.values(), ids=STORED)


def random_codes(timesteps, bits=1, shape=(2, 3)):
    rng = np.random.default_rng(timesteps)
    return rng.integers(0, 2**bits, (timesteps, *shape)).astype("float32")


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("timesteps", [*range(1, 18), 64, 2048])
def test_unpack_is_the_inverse_of_pack(timesteps, bits):
    codes = random_codes(timesteps, bits)
    packed = pack(tf.constant(codes), bits)
    assert packed.dtype == tf.uint8
    assert packed.shape == (-(-timesteps // (8 // bits)), 2, 3)
    unpacked = unpack(packed, timesteps, bits)
    assert unpacked.dtype == tf.uint8
    np.testing.assert_array_equal(unpacked, codes)


def random_train(kind, timesteps):
    """Spikes of neurons with random currents, `[T, 40]`."""
    rng = np.random.default_rng(timesteps)
    largest = getattr(kind, "max_spikes", 1)
    state = kind.initial_state(tf.constant(rng.normal(size=40), tf.float32))
    spikes = []
    for step in range(timesteps):
        current = rng.normal(0, 1.5 * largest, 40)
        if step == 1:
            current -= 3 * largest  # Of those that take spikes back.
        charged = (state[0] + current.astype("float32"), *state[1:])
        now, state = kind.fire(charged, step, timesteps)
        spikes.append(now)
    return tf.stack(spikes)


def packed_train(kind, train):
    timesteps = len(train)
    codes = [kind.encode(train[t], t, timesteps) for t in range(timesteps)]
    return pack(tf.stack(codes), kind.bits)


@every_kind
@pytest.mark.parametrize("timesteps", [1, 7, 8, 9, 17])
def test_spikes_of_every_kind_come_back(timesteps, kind):
    train = random_train(kind, timesteps)
    packed = packed_train(kind, train)
    got = train_of(packed, kind, timesteps, tf.float64)
    assert got.dtype == tf.float64
    np.testing.assert_array_equal(got, train)
    if timesteps > 1:
        assert len(np.unique(train)) >= (2 if kind.is_plain else 3)


@every_kind
@pytest.mark.parametrize("timesteps", [1, 7, 8, 9, 17])
def test_total_is_the_sum_of_the_spikes(timesteps, kind):
    train = random_train(kind, timesteps)
    totals = total(packed_train(kind, train), kind, timesteps)
    assert totals.dtype == tf.float32
    # Bits of 17 steps do not all fit into a float32.
    expected = np.sum(train, axis=0, dtype="float64")
    np.testing.assert_allclose(totals, expected, rtol=1e-6)


def test_graphs_do_not_grow_with_t():
    def both(train):
        return unpack(pack(train), train.shape[0])

    sizes = [
        len(
            tf.function(both, autograph=False)
            .get_concrete_function(tf.TensorSpec([T, None, 3], tf.uint8))
            .graph.get_operations()
        )
        for T in (8, 2048)
    ]
    assert sizes[0] == sizes[1]


def test_no_images_at_all():
    packed = pack(tf.zeros([11, 0, 3]))
    assert packed.shape == (2, 0, 3)
    assert unpack(packed, 11).shape == (11, 0, 3)


def test_step_t_is_bit_t_mod_8_of_byte_t_div_8():
    train = np.zeros((11, 1), "uint8")
    train[[0, 7, 9]] = 1
    packed = pack(tf.constant(train))
    np.testing.assert_array_equal(packed, [[1 + 128], [2]])


def test_codes_of_three_bits_are_two_a_byte():
    packed = pack(tf.constant([[1], [6], [7]], tf.uint8), 3)
    np.testing.assert_array_equal(packed, [[0b110_001], [0b111]])


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "bool"])
def test_any_dtype_packs(dtype):
    codes = random_codes(5)
    np.testing.assert_array_equal(
        pack(tf.cast(codes, dtype)), pack(tf.constant(codes))
    )


def test_a_train_lives_until_its_last_reader_is_done():
    store = FrontierStore({"a": 2, "b": 1})
    store.put("a", [np.zeros(10, "uint8")])
    store.put("b", [np.zeros(6, "uint8")])
    assert store.num_bytes == 16
    store.done(("a", "b"))
    assert store.num_bytes == 10
    store.done(("a",))
    assert store.num_bytes == 0
    with pytest.raises(KeyError, match="a"):
        store.get("a", 0)


def test_batches_are_freed_one_by_one_for_the_last_reader():
    store = FrontierStore({"a": 2, "b": 1})
    for name in "ab":
        store.put(name, [np.zeros(10, "uint8"), np.zeros(6, "uint8")])
    store.release(("a", "b"), 0)
    assert store.num_bytes == 16 + 6  # Somebody else still reads "a".
    store.done(("a", "b"))
    store.release(("a",), 1)
    assert store.num_bytes == 10


def test_batches_come_back():
    store = FrontierStore({"a": 1})
    store.put("a", ["first", "second"])
    assert [store.get("a", 0), store.get("a", 1)] == ["first", "second"]


def test_wants_what_is_read():
    store = FrontierStore({"a": 1})
    assert store.wants("a")
    assert not store.wants("unread")
    store.put("a", [])
    store.done(("a",))
    assert not store.wants("a")


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("timesteps", [1, 8, 9, 32])
def test_bytes_are_bounded_by_bits(timesteps, bits):
    images, neurons = 5, (4, 4, 3)
    store = FrontierStore({"a": 1})
    train = pack(tf.zeros([timesteps, images, *neurons]), bits)
    store.put("a", [train])
    each = -(-timesteps // steps_per_byte(bits))
    assert store.num_bytes == each * images * np.prod(neurons)
    # Less than half of a byte is idle, and the last one of a train.
    assert each < 2 * bits * timesteps / 8 + 1


def current(value=0.0):
    """Sixteen bytes of current."""
    return np.full((1, 4), value, "float32")


def computed(batches, log):
    """Batches that note that they were asked for."""
    for number, batch in enumerate(batches):
        log.append(number)
        yield batch


@pytest.mark.parametrize(("budget", "count"), [(0, 0), (47, 2), (48, 3)])
def test_currents_are_held_within_the_budget(budget, count):
    store, log = FrontierStore({"a": 1, "b": 1}, budget), []
    store.put("a", [])
    batches = [current(i) for i in range(3)]
    store.put_currents("b", computed(batches, log), ("a",))
    assert store.num_current_bytes == 16 * count <= budget
    assert len(log) == min(count + 1, 3)  # None is computed in vain but one.
    held = [store.get("b", index) for index in range(3)]
    assert [batch is None for batch in held] == [
        index >= count for index in range(3)
    ]


def test_sources_live_as_long_as_a_junction_without_room():
    store = FrontierStore({"a": 1, "b": 1, "c": 1}, 0)
    store.put("a", ["spikes"])
    store.put_currents("b", [current()], ("a",))
    store.put_currents("c", [current()], ("b",))
    assert store.get("a", 0) == "spikes"
    store.done(("c",))
    with pytest.raises(KeyError, match="a"):
        store.get("a", 0)


def test_sources_of_a_junction_with_room_are_freed():
    store = FrontierStore({"a": 1, "b": 1}, 16)
    store.put("a", ["spikes"])
    store.put_currents("b", [current()], ("a",))
    with pytest.raises(KeyError, match="a"):
        store.get("a", 0)


@pytest.mark.parametrize(("readers", "moved"), [(1, True), (2, False)])
def test_a_junction_without_other_readers_gives_its_room(readers, moved):
    store = FrontierStore({"a": 1, "b": readers, "c": 1}, 16)
    store.put("a", [])
    store.put_currents("b", [current(), current()], ("a",))
    store.put_currents("c", [current(), current()], ("b",))
    assert store.num_current_bytes == 16
    assert (store.get("b", 0) is None) == moved
    assert (store.get("c", 0) is None) != moved


def test_room_comes_back():
    store = FrontierStore({"a": 1, "b": 1}, 16)
    store.put_currents("a", [current()], ())
    store.done(("a",))
    store.put_currents("b", [current()], ())
    assert store.num_current_bytes == 16
