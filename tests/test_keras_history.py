"""Training logs that users bring, in every shape that people keep them in."""

import gzip
import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from orchestrator.reports.logs.column_titles import Kind, meaning
from orchestrator.reports.logs.file_format import logs
from orchestrator.reports.logs.logged_runs import parse, records

EPOCHS = 12
E = np.arange(EPOCHS)
RUN = {
    "loss": (0.5 * 0.8**E).tolist(),
    "accuracy": (0.99 - 0.3 * 0.7**E).tolist(),
    "val_loss": (0.4 + 0.02 * E).tolist(),
    "val_accuracy": (0.9 - 0.2 * 0.5**E).tolist(),
}
FRAME = pd.DataFrame(RUN)
PERCENT = FRAME.assign(accuracy=100 * FRAME.accuracy, val_accuracy=100 * FRAME.val_accuracy)
PARTS = {
    "train": {"loss": RUN["loss"], "acc": RUN["accuracy"]},
    "valid": {"loss": RUN["val_loss"], "acc": RUN["val_accuracy"]},
}
RECORDS = [{"epoch": int(i), **{k: v[i] for k, v in RUN.items()}} for i in E]


def npy(value):
    """What `np.save` writes of it."""
    file = io.BytesIO()
    np.save(file, value, allow_pickle=True)
    return file.getvalue()


def npz(**arrays):
    """What `np.savez` writes of them."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def csv(separator=",", frame=FRAME, **more):
    """The run as `DataFrame.to_csv` writes it."""
    return frame.to_csv(sep=separator, **more)


def renamed(**names):
    """The run as JSON under other titles."""
    return json.dumps({names[key]: values for key, values in RUN.items() if key in names})


def keys(*names):
    """The run under other titles: loss, accuracy, val_loss, val_accuracy."""
    return renamed(**dict(zip(RUN, names, strict=True)))


LONG = FRAME.assign(epoch=E).melt(id_vars="epoch", var_name="metric").to_csv(index=False)
SPLIT = "epoch,phase,loss,acc\n" + "".join(
    f"{i},train,{RUN['loss'][i]},{RUN['accuracy'][i]}\n{i},val,{RUN['val_loss'][i]},{RUN['val_accuracy'][i]}\n"
    for i in E
)
LIGHTNING = "epoch,step,train_loss_step,train_loss_epoch,train_acc,val_loss,val_acc,lr-Adam\n" + "".join(
    f"{i},{10 * i},9.9,,,,,0.1\n{i},{10 * i + 5},,,,{RUN['val_loss'][i]},{RUN['val_accuracy'][i]},\n"
    f"{i},{10 * i + 5},,{RUN['loss'][i]},{RUN['accuracy'][i]},,,\n"
    for i in E
)
WANDB = (
    '"Step","a - epoch/loss","a - epoch/loss__MIN","a - epoch/val_loss","a - epoch/accuracy","a - epoch/val_accuracy"\n'
    + "".join(f"{i},{RUN['loss'][i]},0,{RUN['val_loss'][i]},{RUN['accuracy'][i]},{RUN['val_accuracy'][i]}\n" for i in E)
)
TRAINER = json.dumps({"global_step": 12, "log_history": [
    entry for i in E for entry in (
        {"loss": RUN["loss"][i], "epoch": i + 0.5, "step": 2 * int(i) + 1},
        {"eval_loss": RUN["val_loss"][i], "eval_accuracy": RUN["val_accuracy"][i], "epoch": i + 1.0, "step": 2 * int(i) + 2},
    )
]})  # fmt: skip

WHOLE = {
    "history.history": json.dumps(RUN),
    "float32 written as text": json.dumps({k: [str(np.float32(v)) for v in values] for k, values in RUN.items()}),
    "a wrapped history": json.dumps({"params": {"epochs": 12}, "history": RUN}),
    "a Python literal": str(RUN),
    "a Python literal of numpy": str({k: [np.float32(v) for v in values] for k, values in RUN.items()}),
    "an assigned literal": f"history = {RUN}",
    "a literal within JSON": json.dumps(str(RUN)),
    "lists as text": json.dumps({k: str(v) for k, v in RUN.items()}),
    "records": json.dumps(RECORDS),
    "JSON lines": "\n".join(map(json.dumps, RECORDS)),
    "to_json": FRAME.to_json(double_precision=15),
    "to_json index": FRAME.to_json(orient="index", double_precision=15),
    "to_json records": FRAME.to_json(orient="records", double_precision=15),
    "to_json split": FRAME.to_json(orient="split", double_precision=15),
    "to_json table": FRAME.to_json(orient="table", double_precision=10),
    "by rows": json.dumps(PARTS),
    "records by rows": json.dumps([
        {"epoch": int(i), **{rows: {k: v[i] for k, v in part.items()} for rows, part in PARTS.items()}} for i in E
    ]),
    "to_csv": csv(),
    "CSVLogger": csv(index_label="epoch"),
    "tabs": csv("\t"),
    "bars": csv("|"),
    "blanks": FRAME.to_string(float_format="{:.15f}".format),
    "semicolons and decimal commas": csv(";", decimal=","),
    "a byte order mark": "\ufeff" + csv(index=False),
    "UTF-16": csv().encode("utf-16"),
    "UTF-16 without a mark": csv().encode("utf-16-le"),
    "carriage returns": csv().replace("\n", "\r\n"),
    "titles repeated": csv(index=False) .replace("\n", "\nloss,accuracy,val_loss,val_accuracy\n", 1),
    "turned": FRAME.T.to_csv(),
    "a comment above": "# lr=0.1\n" + csv(index=False),
    "percent": csv(frame=PERCENT),
    "percent signs": csv(frame=PERCENT.assign(accuracy=PERCENT.accuracy.map("{:.9f} %".format))),
    "newest first": csv(index_label="epoch", frame=FRAME[::-1]),
    "a row a metric": LONG,
    "a row a phase": SPLIT,
    "Lightning": LIGHTNING,
    "W&B": WANDB,
    "gzip": gzip.compress(csv().encode()),
    "npy of a dictionary": npy(RUN),
    "npy of a dictionary of arrays": npy({k: np.array(v, dtype=">f8") for k, v in RUN.items()}),
    "npy of numpy's numbers": npy({k: [np.float64(each) for each in v] for k, v in RUN.items()}),
    "structured npy": npy(FRAME.to_records(index=False)),
    "npz": npz(**{k: np.array(v) for k, v in RUN.items()}),
    "plurals": keys("train_losses", "train_accs", "val_losses", "val_accs"),
    "lists of records by rows": json.dumps({
        "training": [{"loss": a, "acc": b} for a, b in zip(RUN["loss"], RUN["accuracy"], strict=True)],
        "validation": [{"loss": a, "acc": b} for a, b in zip(RUN["val_loss"], RUN["val_accuracy"], strict=True)],
    }),
    "a history beside a score": json.dumps({"model": "cnn", "test_acc": 0.9, "history": RUN}),
    "epochs in words": csv(frame=FRAME.assign(Epoch=[f"Epoch {i + 1}/12" for i in E])),
    "MLflow": "run_id,key,value,step\n" + "".join(f"a,{key},{RUN[key][i]},{i}\n" for key in RUN for i in E),
    "Keras 2": keys("loss", "acc", "val_loss", "val_acc"),
    "titles in words": keys("Training Loss", "Training Accuracy", "Validation Loss", "Validation Accuracy"),
    "train and valid": keys("train_loss", "train_acc", "valid_loss", "valid_acc"),
    "rows behind a slash": keys("loss/train", "accuracy/train", "loss/val", "accuracy/val"),
    "rows before a slash": keys("train/epoch_loss", "train/epoch_accuracy", "validation/epoch_loss", "validation/epoch_accuracy"),
    "camels": keys("trainLoss", "trainAcc", "valLoss", "valAcc"),
    "test rows": keys("loss", "binary_accuracy", "test_loss", "test_binary_accuracy"),
    "eval rows": keys("loss", "sparse_categorical_accuracy", "eval_loss", "eval_sparse_categorical_accuracy"),
    "glued": keys("trainloss", "trainacc", "valloss", "valacc"),
    "top 1": keys("train_loss", "train_acc@1", "val_loss", "val_acc@1"),
}  # fmt: skip


@pytest.mark.parametrize("shape", WHOLE)
def test_every_shape_gives_the_same_curves(shape):
    """However a run was written down, its four curves come back, epoch by epoch."""
    (record,) = parse(WHOLE[shape], "mine")
    for field, values in RUN.items():
        np.testing.assert_allclose(getattr(record, field), values, rtol=1e-6, err_msg=field)


def test_parts_of_an_epoch_belong_to_the_epoch_they_end():
    """A trainer logs the loss at 0.5 epochs and the evaluation at 1.0; both are of epoch 1."""
    (record,) = parse(TRAINER)
    np.testing.assert_allclose(record.loss, RUN["loss"])
    np.testing.assert_allclose(record.val_loss, RUN["val_loss"])
    assert record.epochs.tolist() == list(range(1, EPOCHS + 1))


def test_a_metric_without_rows_is_of_validation_where_the_losses_name_theirs():
    """fastai, YOLO and trainers write `train_loss, valid_loss, accuracy`, and mean the accuracy on validation rows."""
    (record,) = parse(
        json.dumps({"train_loss": RUN["loss"], "valid_loss": RUN["val_loss"], "accuracy": RUN["val_accuracy"]})
    )
    assert record.accuracy is None
    assert record.val_accuracy.tolist() == RUN["val_accuracy"]
    assert any("validation rows" in note for note in record.notes)


RUNS = [
    json.dumps([RUN, RUN]),
    json.dumps({"0": RUN, "1": RUN}),
    json.dumps({"history": {"first": RUN, "second": RUN}}),
    pd.concat([FRAME.assign(seed=0), FRAME.assign(seed=5)]).to_csv(index=False),
    pd.concat([FRAME.assign(fold="a"), FRAME.assign(fold="b")]).to_json(orient="records", double_precision=15),
    pd.concat([FRAME, FRAME]).to_csv(index_label="epoch"),
    WANDB.replace('accuracy"\n', 'accuracy","b - epoch/loss"\n', 1)
    .replace("\n", ",0.5\n")
    .replace('loss",0.5', 'loss"', 1),
]


@pytest.mark.parametrize("text", RUNS)
def test_several_runs_in_a_file(text):
    """A list, names, a column, a logger that appended, or names before the metrics tell runs apart."""
    found = parse(text)
    assert len(found) == 2
    np.testing.assert_allclose(found[0].loss, RUN["loss"], rtol=1e-6)


def test_several_files_are_several_runs():
    """A file a seed; each run is called by its file."""
    found = records([(f"seed{i}.json", logs(json.dumps(RUN).encode(), f"seed{i}.json")) for i in (1, 2)])
    assert [record.run for record in found] == ["seed1", "seed2"]


def test_tensorboard_s_files_are_one_run():
    """Of files that hold one curve each, the names tell which metric on which rows; together they are one run."""
    files = [(f"run-x_{rows}-tag-epoch_{metric}.csv", "Wall time,Step,Value\n" + "".join(f"17e8,{i},{RUN[key][i]}\n" for i in E))
             for rows, metric, key in (("train", "loss", "loss"), ("validation", "loss", "val_loss"), ("train", "accuracy", "accuracy"))]  # fmt: skip
    (record,) = records([(name, logs(text.encode(), name)) for name, text in files])
    np.testing.assert_allclose(record.loss, RUN["loss"])
    np.testing.assert_allclose(record.val_loss, RUN["val_loss"])
    np.testing.assert_allclose(record.accuracy, RUN["accuracy"])


def test_validation_every_third_epoch_gets_its_places():
    """`validation_freq=3` leaves a third of the values, those of epochs 3, 6, ...; the others are holes, not NaN losses."""
    for text in (
        '{"loss": [6, 5, 4, 3, 2, 1], "val_loss": [6, 5]}',
        "loss,val_loss\n6,NA\n5,NA\n4,6\n3,NA\n2,NA\n1,5\n",
    ):
        (record,) = parse(text)
        assert np.flatnonzero(~np.isnan(record.val_loss)).tolist() == [2, 5]
        assert record.lost is None


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ('{"loss": [0.5, NaN]}', 1),
        ('{"loss": [0.5, null], "accuracy": [0.5, 0.6], "val_loss": [0.5, null]}', 1),
        ("epoch,loss,val_loss\n0,0.5,0.5\n1,nan,nan\n2,nan,nan\n", 1),
        ("loss,val_loss\n0.5,\ninf,\n", 1),
        ('{"loss": [NaN, NaN]}', 0),
        ('{"loss": [0.5, 1e39]}', 1),
        ('{"loss": [0.5, null, 0.4]}', None),
        ('{"loss": [0.5, 0.4], "val_loss": [0.5, null]}', None),
        ('{"loss": [0.5, null], "val_loss": [0.5, 0.4]}', None),
        ("loss,val_loss\n0.5,0.6\n0.4,0.5\n,\n", None),
        ("step,train_loss,val_loss\n0,0.9,\n1,,0.9\n2,0.8,\n3,,0.8\n", None),
        ("step,train_loss,acc\n0,0.9,\n1,,0.1\n2,0.8,\n3,,0.2\n", None),
    ],
)
def test_a_lost_loss_is_told_from_a_hole(text, lost):
    """NaN that stays to the end is a finding; a value that is missing, or comes back, is not."""
    (record,) = parse(text)
    assert record.lost == lost


def test_the_output_that_is_judged_is_named():
    """Of two outputs the one that moves is taken, with its own twin, and said; so is what is left out."""
    titles = {"loss": RUN["loss"], "val_loss": RUN["val_loss"], "a_accuracy": [0.0] * EPOCHS, "val_a_accuracy": [0.0] * EPOCHS,
              "b_accuracy": RUN["accuracy"], "val_b_accuracy": RUN["val_accuracy"], "mae": RUN["loss"], "lr": [0.1] * EPOCHS}  # fmt: skip
    (record,) = parse(json.dumps(titles))
    assert record.score == "b accuracy"
    assert record.val_accuracy.tolist() == RUN["val_accuracy"]
    assert "several outputs: judged by b_accuracy and val_b_accuracy" in record.notes
    assert "not used: a_accuracy, val_a_accuracy, mae" in record.notes


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("epoch,loss\n0,0.5\n1,0.4\n2", "the last line is cut (1 of 2 cells) and is left out"),
        ('{"loss": 0.5}\n{"loss": 0.4}\n{"lo', "the last line is cut and is left out"),
        ('{"loss": [1, 2], "acc": [80.5, 90]}', "acc taken as percent"),
        ("loss,val_loss\n1,NA\n2,NA\n", "without any number: val_loss"),
        ('{"loss": [1, 2], "test_acc": [0.1, 0.2]}', "validation rows are those called test"),
        ("epoch,loss\n0,9\n1,8\n2,7\n1,6\n2,5\n", "epoch 1 was logged twice; the later rows are used"),
        ("epoch,loss\n0,9\n1,8\n0,9\n1,8\n", "epoch begins anew 1 times; each stretch is taken for a run of its own"),
    ],
)
def test_what_was_left_out_or_taken_for_what_is_said(text, note):
    """Nothing is dropped or scaled in silence."""
    assert note in parse(text)[0].notes


def test_two_values_remain_when_epochs_were_logged_twice():
    """A run resumed from epoch 1 keeps the rows of the second try."""
    assert parse("epoch,loss\n0,9\n1,8\n2,7\n1,6\n2,5\n")[0].loss.tolist() == [9, 6, 5]


@pytest.mark.parametrize(
    ("title", "kind", "name", "output", "held_out"),
    [
        ("loss", Kind.LOSS, "loss", "", False),
        ("Validation Accuracy", Kind.ACCURACY, "accuracy", "", True),
        ("epoch_accuracy", Kind.ACCURACY, "accuracy", "", False),
        ("val_sparse_categorical_accuracy", Kind.ACCURACY, "sparse_categorical_accuracy", "", True),
        ("val_l1_accuracy", Kind.ACCURACY, "accuracy", "l1", True),
        ("sparse_top_k_categorical_accuracy", Kind.SCORE, "sparse_top_k_categorical_accuracy", "", False),
        ("train/box_loss", Kind.LOSS, "loss", "box", False),
        ("eval_f1", Kind.SCORE, "f1", "", True),
        ("val_mean_squared_error", Kind.ERROR, "mean_squared_error", "", True),
        ("lr", Kind.BESIDE, "learning_rate", "", False),
        ("Wall time", Kind.BESIDE, "wall_time", "", False),
        ("comment", Kind.UNKNOWN, "comment", "", False),
        ("closs", Kind.UNKNOWN, "closs", "", False),
    ],
)
def test_titles_are_understood_by_their_words(title, kind, name, output, held_out):
    """A title says what is measured, of which output, on which rows, in whatever order and spelling."""
    found = meaning(title)
    assert (found.kind, found.name, found.output, found.held_out) == (kind, name, output, held_out)


class Bomb:
    """An object whose pickle runs a command."""

    def __reduce__(self):
        import os

        return os.system, ("touch ran",)


RUBBISH = [
    ("", "is empty"),
    ("  \n", "is empty"),
    ("hello", "neither JSON nor rows under titles; it begins with 'hello'"),
    ("{", "is not valid JSON: line 1"),
    ("{}", "holds no run"),
    ("[]", "holds no run"),
    ("[1, 2]", "item 0 is the number 1; expected an object"),
    ("[[1, 2], [3, 4]]", "names no columns"),
    ('{"a": 1}', "no loss and no metric"),
    ('{"mine": [1], "yours": [2]}', "has columns mine, yours, but no loss and no metric"),
    ('{"loss": []}', "has no epochs"),
    ('{"loss": [0.5, "x"]}', "loss, row 2 is 'x'; expected a number"),
    ('{"loss": [0.5, true]}', "loss, row 2 is true or false; expected a number"),
    ('{"loss": [[0.5]]}', "loss, row 1 is a list; expected a number"),
    ('{"loss": "mse", "epochs": 3}', "loss, row 1 is 'mse'; expected a number"),
    ('{"loss": [0.5, 0.4], "accuracy": [0.5]}', "differ in their number of epochs: loss 2, accuracy 1"),
    ('{"loss": [0.5], "val_loss": [0.5, 0.4]}', "differ in their number of epochs: loss 1, val_loss 2"),
    ('{"loss": [0.5], "accuracy": [1.5]}', "accuracy, row 1 is 1.5; an accuracy lies between 0 and 1"),
    ('{"loss": [0.5], "accuracy": [-0.5]}', "accuracy, row 1 is -0.5; an accuracy lies between 0 and 1"),
    ('{"loss": [0.5], "accuracy": [583]}', "accuracy, row 1 is 583; an accuracy lies between 0 and 1"),
    ('{"a": {"loss": [0.5]}, "b": [1]}', "'b' is a list; expected an object"),
    ('{"loss": [' + "9" * 400 + "]}", "row 1 is a whole number of 400 digits"),
    ('{"loss": [' + "9" * 5000 + "]}", "is not valid JSON: a number in it is too long"),
    ('{"a":' * 200_000, "brackets within brackets"),
    ("[" * 200_000, "brackets within brackets"),
    ("{'a':" * 200_000, "is not valid JSON"),
    ("loss,val_loss\n0.5,0.4\n0.3\n0.2,0.1\n", "row 3 has 1 cells where the first row has 2 (loss, val_loss)"),
    ("loss,val_loss\n0.5,0.4,0.3\n0.5,0.4\n", "row 2 has 3 cells"),
    ("loss\nabc\n", "loss, row 1 is 'abc'; expected a number"),
    ("loss,accuracy\n", "has no epochs"),
    ("0.5,0.4\n0.3,0.2\n", "has no titles in its first row, which is '0.5, 0.4'"),
    ("a,b\n1,2\n", "has columns a, b, but no loss and no metric"),
    ("loss,x\n" + "1" * 200_000 + ",2\n", "is no CSV that can be read"),
    ("Wall time,Step,Value\n17,0,1.0\n", "is one unnamed series (Wall time, Step, Value); which metric is it?"),
    ('"loss,val_loss\n1,2\n3,4\n', "titles that can't be told apart"),
    ("epoch,d_loss,g_loss\n1,2,3\n", "losses of networks that train against each other"),
    (b"\x00\x01\x02\x03", "neither text nor a format"),
    (pickle.dumps(RUN), "is a pickle, and loading one runs whatever code it holds"),
    (pickle.dumps(RUN, protocol=0), "is a pickle"),
    (npy(np.array(Bomb(), dtype=object)), "holds pickled objects, and loading them would run code (it asks for"),
    (npy(np.zeros((4, 4))), "names no columns"),
    (npy(RUN)[:200], "pickled objects"),
    (b"\x93NUMPY\x01\x00" + b"\xff" * 90, "damaged .npy"),
    (b"\x89HDF\r\n\x1a\n" + b"0" * 90, "an HDF5 file"),
    (gzip.compress(b"loss\n1\n")[:-9], "damaged gzip"),
    (gzip.compress(b"\n" * (64 * 2**20 + 1)), "is larger than 64 MiB"),
    (b"PK\x03\x04" + b"0" * 90, "damaged zip"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "complaint"), RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_refused_with_its_place(given, complaint, tmp_path, monkeypatch):
    """Each error names the file, says what is wrong and where, in one short line, and nothing is run."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^mine\.log") as error:
        parse(given, "mine.log")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert not list(tmp_path.iterdir())


def test_a_small_pickle_cannot_unfold_without_end():
    """Lists that refer to each other again and again come to 10^10 values; they are refused within a moment."""
    value = [0.5] * 10
    for _ in range(9):
        value = [value] * 10
    with pytest.raises(ValueError, match="comes to more values"):
        parse(npy(np.array({"loss": value}, dtype=object)), "mine.npy")
