"""Histories that users bring."""

import json

import numpy as np
import pandas as pd
import pytest

from reports.keras_history import parse

RUN = {"loss": [0.7, 0.5], "accuracy": [0.5, 0.8], "val_loss": [0.7, 0.6], "val_accuracy": [0.5, 0.7]}


def test_history_history_as_json():
    """`json.dump(model.fit(...).history)` is one run, metric by metric."""
    (record,) = parse(json.dumps(RUN))
    assert record.loss.tolist() == [0.7, 0.5]
    assert record.val_accuracy.tolist() == [0.5, 0.7]


@pytest.mark.parametrize(
    "document",
    [[RUN, RUN], {"0": RUN, "1": RUN}, {"history": {"first": RUN, "second": RUN}}],
)
def test_several_runs_as_json(document):
    """A list of histories, or an object of them by name, is as many runs."""
    assert [r.loss.tolist() for r in parse(json.dumps(document))] == [[0.7, 0.5]] * 2


def test_what_pandas_writes():
    """`DataFrame(history.history)` comes back from `to_json` and from `to_csv`, index column and all."""
    frame = pd.DataFrame(RUN)
    for text in (frame.to_json(), frame.to_csv(), frame.to_csv(index=False)):
        assert parse(text)[0].val_loss.tolist() == [0.7, 0.6]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_csvlogger_writes(separator):
    """An epoch column from 0 and any of the usual separators."""
    lines = ["epoch,accuracy,loss,val_loss", "0,0.5,0.7,0.8", "1,0.6,0.6,0.7"]
    (record,) = parse("\n".join(lines).replace(",", separator))
    assert record.loss.tolist() == [0.7, 0.6]
    assert record.val_accuracy is None


def test_a_seed_column_tells_runs_apart():
    """Rows of two seeds are two runs, of as many epochs as each has."""
    found = parse("seed,epoch,loss\n0,1,0.7\n0,2,0.6\n5,1,0.9\n")
    assert [r.loss.tolist() for r in found] == [[0.7, 0.6], [0.9]]


@pytest.mark.parametrize("name", ["acc", "binary_accuracy", "top_accuracy"])
def test_accuracy_by_its_other_names(name):
    """Keras calls accuracy what the metric is called; its validation twin goes with it."""
    (record,) = parse(json.dumps({"loss": [1.0], name: [0.5], f"val_{name}": [0.4]}))
    assert (record.accuracy.tolist(), record.val_accuracy.tolist()) == ([0.5], [0.4])


def test_validation_every_few_epochs_is_welcome():
    """`validation_freq=2` leaves half as many validation values; they are kept as they are."""
    (record,) = parse('{"loss": [0.5, 0.4, 0.3, 0.2], "val_loss": [0.6, 0.5]}')
    assert (len(record.loss), len(record.val_loss)) == (4, 2)


def test_a_diverged_loss_survives_the_reading():
    """NaN, null and an empty cell are NaN: divergence is a finding, not rubbish."""
    assert np.isnan(parse('{"loss": [0.5, NaN, null]}')[0].loss).tolist() == [False, True, True]
    assert np.isnan(parse("loss,val_loss\n0.5,\nnan,inf\n")[0].loss).tolist() == [False, True]


RUBBISH = [
    ("", "is empty"),
    ("  \n", "is empty"),
    ("hello", "neither JSON nor a CSV with a column 'loss'; its first line is 'hello'"),
    ("{", "is not valid JSON: line 1"),
    ("{}", "holds no run"),
    ("[]", "holds no run"),
    ("[1, 2]", "item 0 is the number 1; expected an object"),
    ('{"loss": 3}', "'loss' is the number 3; expected a list with one number an epoch"),
    ('{"accuracy": [0.5]}', "has no 'loss', only accuracy"),
    ('{"loss": []}', "has no epochs"),
    ('{"loss": [0.5, "x"]}', "loss, epoch 2 is 'x'; expected a number"),
    ('{"loss": [0.5, true]}', "loss, epoch 2 is true or false; expected a number"),
    ('{"loss": [[0.5]]}', "loss, epoch 1 is a list; expected a number"),
    ('{"loss": [0.5, 0.4], "accuracy": [0.5]}', "differ in their number of epochs: loss 2, accuracy 1"),
    ('{"loss": [0.5], "val_loss": [0.5, 0.4]}', "differ in their number of epochs: loss 1, val_loss 2"),
    ('{"loss": [0.5], "val_loss": []}', "its validation metrics are empty lists"),
    ('{"loss": [0.5], "accuracy": [83.0]}', "accuracy, epoch 1 is 83; an accuracy lies between 0 and 1"),
    ('{"a": {"loss": [0.5]}, "b": [1]}', "'b' is a list; expected an object"),
    ("loss,val_loss\n0.5,0.4\n0.3\n", "row 3 has 1 cells where the first row has 2"),
    ("loss\nabc\n", "loss, epoch 1 is 'abc'; expected a number"),
    ("loss,accuracy\n", "holds no run"),
    ("\x00\x01", "neither JSON nor a CSV"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), RUBBISH)
def test_rubbish_is_refused_with_its_place(text, complaint):
    """Each error names the file, says what is wrong and where, in one line."""
    with pytest.raises(ValueError, match=r"^mine\.json") as error:
        parse(text, "mine.json")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
