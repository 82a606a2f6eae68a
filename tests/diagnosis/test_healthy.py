from regtune.diagnosis.healthy import find


def test_a_healthy_run_is_told_its_best_epoch_and_gap(make_facts, curves):
    finding = find(make_facts(**curves["healthy"]))

    assert finding.evidence == "best at epoch 4 of 5: train loss 0.32, validation loss 0.44, gap +0.12"
    assert finding.advice[0].command == "regtune predict runs/small new_rows.csv -o predictions.csv"
