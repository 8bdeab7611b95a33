"""The kinds of neuron that tests go through."""

from tfsnn.dynamics import (
    BitPlane,
    Burst,
    IntegrateAndFire,
    SignedIntegrateAndFire,
)

KINDS = {
    "if": IntegrateAndFire(),
    "signed": SignedIntegrateAndFire(),
    "burst": Burst(3),
    "bit_plane": BitPlane(),
}
EXTENDED = {name: kind for name, kind in KINDS.items() if name != "if"}
"""Those that are not plain."""
STEPWISE = {name: kind for name, kind in KINDS.items() if name != "bit_plane"}
"""Those that need not know the step."""
