from regtune.diagnosis.small_validation import find


def test_a_small_validation_set_is_told_its_noise_in_points(make_facts, curves):
    facts = make_facts(**curves["healthy"], rows={"train": 480, "validation": 149})

    assert find(facts).evidence == (
        "149 validation rows: accuracy 80.0% is known to ±6.4 points; smaller differences are noise"
    )


def test_600_validation_rows_are_not_called_small(make_facts, curves):
    assert find(make_facts(**curves["healthy"])) is None
