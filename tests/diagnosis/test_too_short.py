from regtune.diagnosis.too_short import find


def test_a_run_too_short_is_told_how_fast_it_fell_and_gets_twice_the_epochs(make_facts, curves):
    finding = find(make_facts(**curves["too_short"]))

    assert "validation loss fell 27% in the last part of the run, from 1.1 to 0.8" in finding.evidence
    assert finding.advice[0].command == "regtune train configs/small.yaml training.epochs=8"
