import pytest

import tfsnn
from tfsnn import calibration
from tfsnn_tools.pipeline_names import PIPELINES


@pytest.mark.parametrize("name", PIPELINES)
def test_every_name_makes_a_pipeline(name):
    pipeline = PIPELINES[name]()
    assert isinstance(pipeline, tfsnn.Pipeline | calibration.Search)
    family = name.partition("_")[0]
    assert pipeline.name.partition("_")[0] == family
