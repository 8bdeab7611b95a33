from tests.support.run_records import diagnosis, evaluation
from tfsnn_tools import cost_tables

COST = evaluation().cost.to_dict()


def test_rows_and_their_sum():
    rows = cost_tables.layer_rows(COST)
    assert rows[0] == ("first_relu", "1,000", "10", "400", "50")
    assert rows[-1] == ("all", "3,000", "30", "1,200", "150")


def test_energy():
    name, analog, spiking, ratio = cost_tables.energy_rows(COST["energy"])[0]
    joules = 30 * 4.6 + 1200 * 0.9 + 150 * 0.9
    assert name == "45 nm, float32"
    assert float(analog) == 3000 * 4.6e-6
    assert float(spiking) == float(f"{joules * 1e-6:.4g}")
    assert ratio == f"{joules / 3000 / 4.6:.3f}"


def test_parts_in_percent_of_the_error():
    rows = cost_tables.error_rows(diagnosis().to_dict())
    shares = [float(text.rstrip(" %")) for text in rows[0][3:]]
    # Five numbers, each rounded to a tenth.
    assert abs(sum(shares) - 100) <= 0.25
    assert rows[1][1] == "90.0 %"


def test_everything_is_shown(capsys):
    cost_tables.show(COST)
    cost_tables.show_errors(diagnosis().to_dict())
    text = capsys.readouterr().out
    for part in (*COST["assumptions"], "45 nm, as the paper words it", "SRAM"):
        assert part in text
    assert "mostly by clipping" in text


def test_a_silent_layer_has_no_parts():
    values = diagnosis().to_dict()
    values["layers"][0]["error"] = 0
    assert cost_tables.error_rows(values)[0][3:] == ("-",) * 5
