import pytest

from regtune.diagnosis.sizes import larger_model, smaller_model


@pytest.mark.parametrize(
    ("parameters", "smaller", "larger"),
    [
        (100_000, None, "minilm"),
        (22_713_216, None, "roberta-base"),
        (110_000_000, "minilm", "roberta-large"),
        (355_359_744, "roberta-base", None),
    ],
)
def test_models_are_one_clear_step_up_or_down_the_ladder(make_facts, curves, parameters, smaller, larger):
    facts = make_facts(**curves["healthy"], parameters=parameters)

    for advice, name in ((smaller_model(facts), smaller), (larger_model(facts), larger)):
        assert advice.command == (name and f"regtune train configs/small.yaml model={name}")


def test_sizes_are_told_in_millions(make_facts, curves):
    advice = smaller_model(make_facts(**curves["healthy"], parameters=109_500_000))

    assert advice.text == "a smaller model: minilm (English) has 22.7 million parameters, this one 110 million"
