"""Naming the area: learning, then generalization, then predictions."""

import json

import numpy as np
import pytest

from reports.diagnosis import Technique, diagnose, render, techniques, variants
from reports.effects import table
from reports.keras_history import Record, parse
from reports.signs import Thresholds
from tests.simulate import store

EPOCHS = np.arange(1, 101)


def record(train=0.95, held_out=0.93, speed=5.0, val_loss_rise=0.0, wobble=0.0):
    """A well-behaved run of a hundred epochs, spoilt on request."""
    rise = 1 - np.exp(-EPOCHS / speed)
    zigzag = wobble / 2 * (-1.0) ** EPOCHS
    return Record(
        loss=0.7 - 0.6 * rise,
        val_loss=0.7 - 0.5 * rise + val_loss_rise * EPOCHS / 100,
        accuracy=0.5 + (train - 0.5) * rise,
        val_accuracy=0.5 + (held_out - 0.5) * rise + zigzag,
    )


def area(*records):
    """The area found in these runs."""
    return diagnose(records, "mine").area


def test_a_healthy_model_has_no_area():
    """Fitted, soon, alike on held-out rows and from run to run: nothing is found, and all seven signs are told."""
    found = diagnose([record(), record(held_out=0.931)], "mine")
    assert found.area is None
    assert [sign.found for sign in found.signs] == [False] * 7


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record(train=0.7, held_out=0.7)], "learning"),
        ([record(speed=100.0, train=1.4)], "learning"),
        ([Record(loss=np.array([0.7, np.nan]))], "learning"),
        ([record(train=1.0, held_out=0.76)], "generalization"),
        ([record(val_loss_rise=1.0)], "generalization"),
        ([record(held_out=0.90), record(held_out=0.94)], "predictions"),
        ([record(wobble=0.03)], "predictions"),
    ],
)
def test_each_sign_names_its_area(records, expected):
    """Not fitted, slow or diverged is learning; a gap or a risen loss generalization; a scatter predictions."""
    assert area(*records) == expected


def test_the_first_area_in_order_is_named():
    """A model with all three problems is told to learn first, then to generalize."""
    assert area(record(train=0.7, held_out=0.5, wobble=0.1)) == "learning"
    assert area(record(train=1.0, held_out=0.7, wobble=0.1)) == "generalization"


def test_numbers_stand_beside_their_thresholds():
    """A training accuracy of 0.70 against 0.80, a gap of 0.24 against 0.05."""
    found = {s.what: (s.value, s.limit) for s in diagnose([record(train=1.0, held_out=0.76, speed=1.0)], "mine").signs}
    assert found["training accuracy"] == (pytest.approx(1.0), 0.8)
    assert found["gap"] == (pytest.approx(0.24), 0.05)


def test_thresholds_can_be_set():
    """A gap of two points is a problem for who says so."""
    strict = Thresholds(gap=0.01)
    assert diagnose([record()], "mine", thresholds=strict).area == "generalization"


def test_what_the_history_does_not_hold_is_not_known():
    """Loss alone says nothing about held-out rows: None, not False."""
    found = {s.what: s.found for s in diagnose([Record(loss=record().loss)], "mine").signs}
    assert found["gap"] is None
    assert found["training loss left"] is False


def test_one_run_cannot_differ_from_run_to_run():
    """The spread over runs of a single run is not known."""
    spread = next(s for s in diagnose([record()], "mine").signs if s.what.startswith("spread"))
    assert spread.found is None


def test_a_regression_is_judged_by_its_losses():
    """Without any accuracy: training loss left, validation loss risen, and its scatter as a share of its mean."""
    made = record()
    plain = [Record(loss=made.loss, val_loss=made.val_loss * factor) for factor in (1.0, 1.3)]
    found = diagnose(plain, "mine")
    assert found.area == "predictions"
    assert any("final validation loss differs by 18 %" in sign.text for sign in found.signs)


def test_a_noisy_validation_loss_has_not_risen():
    """The lowest single epoch of a noisy curve is luck; tenths of the training are compared."""
    noisy = np.full(100, 0.5) + 0.1 * np.sin(EPOCHS * 2.4)
    found = diagnose([Record(loss=record().loss, val_loss=noisy)], "mine")
    assert next(s for s in found.signs if "lowest" in s.what).value == pytest.approx(1.0, abs=0.02)


def test_no_history_is_an_error():
    """There is nothing to diagnose in nothing."""
    with pytest.raises(ValueError, match="no history"):
        diagnose([], "mine")


def test_the_families_techniques_come_with_their_effects():
    """Only the remedies of the area found are listed, each with its sentence."""
    known = [Technique(family, family, "with", {}, f"{family} helped.") for family in ("learning", "generalization")]
    found = diagnose([record(train=1.0, held_out=0.7)], "mine", known)
    assert [t.family for t in found.techniques] == ["generalization"]
    assert "    generalization helped." in render(found)


def test_a_users_history_goes_all_the_way():
    """From the JSON text of an overfitted run to the named area and its lines."""
    made = record(train=1.0, held_out=0.7)
    text = json.dumps({name: getattr(made, name).tolist() for name in ("loss", "val_loss", "accuracy", "val_accuracy")})
    said = render(diagnose(parse(text), "mine.json"))
    assert said.startswith("mine.json, one run: a problem with generalization\n")
    assert "! validation accuracy ends 30 points below training accuracy (a problem above 5 points)" in said
    assert "No technique that treats generalization has been measured yet." in said


def test_every_variant_of_a_store_is_diagnosed():
    """Fifteen variants; overfitting is found where it was put, with the three techniques that treat it."""
    made = store(5, scale=0.1)
    effects = table(made.runs, made.histories, made.lessons)
    found = {d.name: d for d in variants(made.histories, effects, made.lessons)}
    assert len(found) == 15
    overfit = found["early-stopping / without"]
    assert overfit.area == "generalization"
    assert [t.lesson for t in overfit.techniques] == ["weight-regularization", "noise", "early-stopping"]
    assert found["framework / without"].area == "predictions"
    assert found["batch-size / stochastic"].area == "learning"


def test_techniques_need_a_family():
    """A user's lesson outside the three families is no remedy for anything."""
    made = store(4, scale=0.02)
    lessons = [dict(lesson, family=None) for lesson in made.lessons]
    assert techniques(table(made.runs, made.histories, lessons), lessons) == []
