"""A recipe in a file is the recipe, and a file that is no recipe is refused in a sentence."""

from __future__ import annotations

import math
import random
import tomllib
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from inference.errors import RecipeError, TrainingError
from inference.recipe import DataSetting, FilmClass, Preprocessing, Recipe, Stage, Stopping, record
from inference.recipe_file import read_recipe, recipe_as_toml, recipe_for_classes, recipe_from_record, write_recipe
from inference.recipe_limits import LIMITS, Limit
from inference.recipes import RECIPES

EXAMPLE = """
name = "effusion"                  # the model's folder
title = "Chest X-ray, effusion or not"
network = "resnet18_w32"
positive = "effusion"
classes = ["effusion", "no_effusion"]

[preprocessing]
size = 160

[augmentation]
rotation_degrees = 7
scale = [0.92, 1.08]
shift_fraction = 0.05

[optimisation]
epochs = 40
batch = 32
learning_rate = 3e-3
weight_decay = 0.01
sampling_power = 0.5               # rarer classes are drawn more often

[stopping]
share = 0.1                        # of the training patients, set aside
patience = 8

[data]
manifest = "films.csv"
folds = 5

[notes]
never_tested_on = "Portable films; children."
"""
TEXTS = ("plain", 'a "quoted" \\ text', "two\nlines\r\n", "\x7f\x00\t", "Größe 𝔘\u2028", "", " # no comment", "'''")


def edited(path: str, value: object) -> dict[str, Any]:
    """Return the example as plain values with one of them changed, or taken out where the value is None."""
    values = tomllib.loads(EXAMPLE)
    *tables, last = path.split(".")
    table = values
    for name in tables:
        table = table.setdefault(name, {})
    table[last] = value
    return values


def refusal(path: str, value: object) -> str:
    with pytest.raises(RecipeError) as caught:
        recipe_from_record(edited(path, value), "my.toml")
    return str(caught.value)


def drawn(hint: Any, limit: Limit | None, chance: random.Random) -> Any:
    """Return a random value of a type within a limit."""
    if is_dataclass(hint):
        own = LIMITS.get(hint, {})
        return hint(**{f.name: drawn(get_type_hints(hint)[f.name], own.get(f.name), chance) for f in fields(hint)})
    if isinstance(limit, tuple) and get_origin(hint) is not tuple:
        return chance.choice(limit)
    if hint is int:
        return chance.randint(int(limit.low), int(limit.high)) if limit else 7
    if hint is float:
        return chance.uniform(limit.low, limit.high) if limit else 0.7
    if get_origin(hint) is tuple:
        entries = get_args(hint)[:1] * chance.randint(1, 3) if get_args(hint)[-1] is Ellipsis else get_args(hint)
        return tuple(drawn(entry, limit, chance) for entry in entries)
    if get_origin(hint) is dict:
        return {chance.choice(TEXTS): chance.choice(TEXTS) for _ in range(3)}
    if get_args(hint):
        return drawn(get_args(hint)[0], limit, chance)
    return chance.choice((True, False) if hint is bool else TEXTS)


def drawn_recipe(seed: int) -> Recipe:
    """Return a random recipe without contradictions."""
    recipe: Recipe = drawn(Recipe, None, random.Random(seed))
    low, high = sorted(recipe.augmentation.scale)
    return replace(
        recipe,
        name="drawn",
        title='A "title"',
        network="some",
        classes=(FilmClass("a", "A\\B"), FilmClass("b", "é")),
        positive="b",
        augmentation=replace(recipe.augmentation, scale=(low, high)),
        data=replace(
            recipe.data,
            manifest="m.csv",
            extra_training=("n.csv",),
            not_positive=("o.csv",),
            training_parts=("x", "y"),
            tested_part="z",
        ),
        stopping=random.Random(seed).choice([None, Stopping(0.2, patience=3)]),
    )


# The same recipe again


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_of_this_program_survives_its_record_and_its_file(recipe: Recipe, tmp_path: Path):
    write_recipe(recipe, tmp_path / "recipe.toml")
    for again in (recipe_from_record(record(recipe), "a card"), read_recipe(tmp_path / "recipe.toml")):
        assert again == recipe
        assert again.fingerprint() == recipe.fingerprint()


@pytest.mark.parametrize("seed", range(100))
def test_any_recipe_survives_its_file(seed: int, tmp_path: Path):
    recipe = drawn_recipe(seed)
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_a_file_is_the_same_on_every_system(tmp_path: Path):
    recipe = drawn_recipe(1)
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert (tmp_path / "recipe.toml").read_bytes() == recipe_as_toml(recipe).encode()


def test_a_file_has_its_stages_below_their_optimisation():
    recipe = RECIPES["darkcovidnet"]
    stages = (Stage(7, 3e-3, frozen_body=True), Stage(2, 1e-4, first_rate=0.01))
    text = recipe_as_toml(replace(recipe, optimisation=replace(recipe.optimisation, stages=stages)))
    assert "\n[[optimisation.stages]]\nepochs = 7\nlearning_rate = 0.003\nfrozen_body = true\n" in text
    assert "\n[[optimisation.stages]]\nepochs = 2\nlearning_rate = 0.0001\nfirst_rate = 0.01\n" in text


# A researcher's own recipe


def test_a_short_recipe_is_read(tmp_path: Path):
    (tmp_path / "my.toml").write_text(EXAMPLE, encoding="utf-8")
    recipe = read_recipe(tmp_path / "my.toml")
    assert recipe.classes == (FilmClass("effusion", "Effusion"), FilmClass("no_effusion", "No effusion"))
    assert recipe.preprocessing == Preprocessing(160)
    assert recipe.optimisation.learning_rate == 0.003
    assert recipe.stopping == Stopping(share=0.1, patience=8)
    assert recipe.data == DataSetting(manifest="films.csv", folds=5)
    assert (recipe.article, recipe.claims, recipe.modality) == ("", (), "chest")


def test_a_whole_number_trains_as_the_same_number_with_a_point():
    whole, pointed = (recipe_from_record(edited("optimisation.learning_rate", rate), "") for rate in (1, 1.0))
    assert whole.fingerprint() == pointed.fingerprint()
    assert isinstance(whole.optimisation.learning_rate, float)


def test_classes_may_have_titles_of_their_own():
    classes = [{"name": "effusion", "title": "Pleural effusion"}, "normal"]
    assert recipe_from_record(edited("classes", classes), "").class_titles == ("Pleural effusion", "Normal")


def test_tables_that_need_nothing_may_be_left_out():
    values = tomllib.loads(EXAMPLE)
    for name in ("augmentation", "stopping", "notes"):
        del values[name]
    recipe = recipe_from_record(values, "my.toml")
    assert recipe.augmentation.changes_nothing
    assert (recipe.stopping, recipe.notes) == (None, {})


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path):
    (tmp_path / "my.toml").write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert read_recipe(tmp_path / "my.toml").name == "effusion"


# Own classes for a published system


def test_a_recipe_for_own_classes_keeps_what_trains_and_drops_what_was_claimed():
    published = RECIPES["darkcovidnet"]
    own = recipe_for_classes(published, "lines_and_tubes", ["tube_in_place", "none", "unclear"])
    assert own.title == "Lines and tubes"
    assert own.class_titles == ("Tube in place", "None", "Unclear")
    assert own.positive == "tube_in_place"
    assert (own.article, own.claims, own.departures, own.data.manifest) == ("", (), (), "")
    for name in ("network", "preprocessing", "augmentation", "optimisation", "reading_rotations", "weights"):
        assert getattr(own, name) == getattr(published, name)


def test_a_recipe_for_own_classes_says_nothing_of_the_published_films():
    published = replace(
        RECIPES["darkcovidnet"], modality="ct", data=DataSetting("x.csv", 7, 2, ("a",), "b", True, True, ("y.csv",))
    )
    own = recipe_for_classes(published, "mine", ["a", "b"])
    assert own.data == DataSetting(manifest="", folds=7, protocol_members=2)
    assert set(own.notes) == {"summary", "trained_on", "never_tested_on", "not_for"}
    assert all(own.notes[key] != text for key, text in published.notes.items())
    assert "slice" in own.notes["summary"]


@pytest.mark.parametrize(
    ("name", "classes", "said"),
    [
        ("mine", ["one"], "classes must name at least two classes, not 1"),
        ("mine", [], "positive is empty"),
        ("mine", ["a b", "c"], "classes must have names of up to 64 letters"),
        ("mine", ["a", "A"], "classes must have names that differ in more than capitals, but 'A' is there twice"),
        ("../mine", ["a", "b"], "name must be up to 64 letters"),
    ],
)
def test_own_classes_that_cannot_be_are_refused(name: str, classes: list[str], said: str):
    with pytest.raises(RecipeError, match=f"^In the recipe {name}, {said}"):
        recipe_for_classes(RECIPES["darkcovidnet"], name, classes)


# What is refused: fields


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("optimisation.lerning_rate", "optimisation.lerning_rate; did you mean learning_rate?"),
        ("augmentations", "augmentations; did you mean augmentation?"),
        ("optimisation.stages", "epoch of entry 1 of optimisation.stages; did you mean epochs?"),
        ("learning_rate", "learning_rate; it belongs to the table optimisation."),
        ("data.batch", "data.batch; it belongs to the table optimisation."),
        ("notes2.positive", "notes2; did you mean notes?"),
        ("data.modality", "data.modality; it belongs to the top of the file, before the first table."),
        ("zzzz", "zzzz."),
        ("a b\n", '"a b\\n".'),
    ],
)
def test_a_field_that_is_not_known_is_refused_with_advice(path: str, said: str):
    assert refusal(path, [{"epoch": 3}]) == f"The recipe my.toml has a field that is not known: {said}"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("name", "name is missing; it must be text"),
        ("classes", "classes is missing; it must be a list"),
        ("preprocessing", "preprocessing is missing; it must be a table"),
        ("optimisation.epochs", "optimisation.epochs is missing; it must be a whole number from 1 to 100000"),
        ("stopping.share", "stopping.share is missing; it must be a number above 0 and at most 0.5"),
    ],
)
def test_a_field_that_is_missing_is_named(path: str, said: str):
    *tables, last = path.split(".")
    values: dict[str, Any] = tomllib.loads(EXAMPLE)
    del (values[tables[0]] if tables else values)[last]
    with pytest.raises(RecipeError) as caught:
        recipe_from_record(values, "my.toml")
    assert str(caught.value) == f"In the recipe my.toml, {said}."


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "optimisation.learning_rate",
            "fast",
            "optimisation.learning_rate must be a number above 0 and at most 10, not 'fast'",
        ),
        ("optimisation.learning_rate", True, "optimisation.learning_rate must be a number above 0 and at most 10, not true"),
        ("optimisation.epochs", 3.0, "optimisation.epochs must be a whole number from 1 to 100000, not 3.0"),
        ("optimisation.epochs", False, "optimisation.epochs must be a whole number from 1 to 100000, not false"),
        ("preprocessing.channels", True, "preprocessing.channels must be 1 or 3, not true"),
        ("augmentation.horizontal_flip", 1, "augmentation.horizontal_flip must be true or false, not 1"),
        ("title", 5, "title must be text, not 5"),
        ("optimisation", [{}], "optimisation must be a table, not a list"),
        ("notes", "none", "notes must be a table, not 'none'"),
        ("notes.sum up", 3, 'notes."sum up" must be text, not 3'),
        ("stopping", True, "stopping must be a table, not true"),
        ("claims", "80 %", "claims must be a list, not '80 %'"),
        ("claims", [["a", "b"], ["a"]], "entry 2 of claims must have 2 entries, not 1"),
        ("claims", [["a", 80.04]], "entry 2 of entry 1 of claims must be text, not 80.04"),
        ("optimisation.betas", [0.9], "optimisation.betas must have 2 entries, not 1"),
        ("optimisation.betas", [0.9, 1], "entry 2 of optimisation.betas must be a number at least 0 and below 1, not 1"),
        ("classes", ["a", 3], "entry 2 of classes must be a name or a table, not 3"),
        ("classes", [{"name": 3, "title": "x"}], "name of entry 1 of classes must be text, not 3"),
        ("departures", [tomllib.loads("a = 2020-01-31")["a"]], "entry 1 of departures must be text, not a date"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(path: str, value: object, said: str):
    assert refusal(path, value) == f"In the recipe my.toml, {said}."


# What is refused: numbers and words out of their range

NAN, INFINITE, HUGE = math.nan, math.inf, 10**5000

# field, the ends that are allowed, what lies just beyond
ENDS: list[tuple[str, list[Any], list[Any]]] = [
    ("preprocessing.size", [32, 1024], [31, 1025, HUGE]),
    ("preprocessing.channels", [1, 3], [0, 2, 4]),
    ("preprocessing.crop", ["square", "whole"], ["Square", ""]),
    ("preprocessing.values", ["film", "unit", "fixed"], ["batch"]),
    ("preprocessing.mean", [0, 1], [-0.01, 1.01, NAN]),
    ("preprocessing.spread", [0.004, 1000], [0, -1, 1001, INFINITE]),
    ("preprocessing.blacked_out", [0, 0.9], [1, -0.1]),
    ("augmentation.rotation_degrees", [0, 180], [-1, 181, NAN]),
    ("augmentation.scale", [[0.5, 0.5], [0.01, 10]], [[0, 1], [1.1, 0.9], [1, 11]]),
    ("augmentation.shift_fraction", [0, 1], [-0.01, 1.01]),
    ("augmentation.gamma_log", [0, 2], [-0.01, 2.01]),
    ("augmentation.contrast", [0, 1], [-0.01, 1.01]),
    ("augmentation.brightness", [0, 1], [-0.01, 1.01]),
    ("augmentation.noise", [0, 1], [-0.01, 1.01]),
    ("augmentation.resample_probability", [0, 1], [-0.01, 1.01]),
    ("augmentation.resample_smallest", [0.05, 1], [0, 1.01]),
    ("augmentation.erase_probability", [0, 1], [-0.01, 1.01]),
    ("augmentation.erase_fraction", [0, 1], [-0.01, 1.01]),
    ("augmentation.shear_degrees", [0, 60], [-1, 61]),
    ("optimisation.epochs", [1, 100_000], [0, -1, 100_001, HUGE]),
    ("optimisation.batch", [2, 4096], [1, 4097]),
    ("optimisation.learning_rate", [1e-9, 10], [0, -0.1, 10.1, NAN, INFINITE, HUGE]),
    ("optimisation.weight_decay", [0, 10], [-0.01, 10.1]),
    ("optimisation.betas", [[0, 0], [0.999, 0.999]], [[1, 0.9], [0.9, 1], [-0.1, 0.9]]),
    ("optimisation.warm_up", [0, 0.99], [1, -0.01]),
    ("optimisation.label_smoothing", [0, 0.99], [1, -0.01]),
    ("optimisation.gradient_clip", [0, 1_000_000], [-1, 1_000_001, INFINITE]),
    ("optimisation.average_decay", [0, 0.9999], [1, -0.01]),
    ("optimisation.sampling_power", [0, 1], [-0.01, 1.01]),
    ("optimisation.optimiser", ["adamw", "adam"], ["sgd", "Adam"]),
    ("optimisation.schedule", ["one_cycle", "constant"], ["cosine"]),
    ("optimisation.films_per_epoch", [0, 1_000_000], [-1, 1_000_001]),
    ("stopping.share", [0.01, 0.5], [0, 0.51]),
    ("stopping.patience", [1, 1_000_000], [-1]),
    ("stopping.accuracy", [0, 1], [-0.01, 1.01]),
    ("data.folds", [2, 100], [1, 0, 101]),
    ("data.protocol_members", [0, 100], [-1, 101]),
    ("reading_rotations", [[-180, 180]], [[-181], [181], []]),
    ("modality", ["chest", "ct"], ["mri"]),
    ("weights", ["fresh", "imagenet", "chest"], ["coco"]),
]


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, allowed, _ in ENDS for value in allowed])
def test_the_ends_of_a_range_are_allowed(path: str, value: object):
    recipe_from_record(edited(path, value), "my.toml")


@pytest.mark.parametrize(
    ("path", "value"),
    [(path, value) for path, _, beyond in ENDS for value in beyond],
    ids=lambda v: str(v)[:20] if v != HUGE else "huge",
)
def test_what_lies_beyond_a_range_is_refused(path: str, value: object):
    said = refusal(path, value)
    assert said.startswith("In the recipe my.toml, ")
    assert f"{path} must " in said
    assert len(said) < 150


@pytest.mark.parametrize(("key", "value"), [("epochs", 0), ("learning_rate", 0), ("first_rate", 0), ("first_rate", 1.01)])
def test_a_stage_out_of_its_range_is_refused(key: str, value: float):
    stage = {"epochs": 2, "learning_rate": 0.1}
    said = refusal("optimisation.stages", [stage, stage | {key: value}])
    assert said.startswith(f"In the recipe my.toml, {key} of entry 2 of optimisation.stages must be a ")


def test_every_number_of_a_recipe_has_a_range_and_every_range_a_field():
    numbers = {
        (kind, name) for kind in LIMITS for name, hint in get_type_hints(kind).items() if {int, float} & {hint, *get_args(hint)}
    }
    limits = {(kind, name) for kind, own in LIMITS.items() for name in own}
    assert numbers <= limits
    assert all(name in get_type_hints(kind) for kind, name in limits)


# What is refused: contradictions and names


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("name", "", "name is empty"),
        ("title", "  ", "title is empty"),
        ("network", "", "network is empty"),
        ("name", "a/b", "name must be up to 64 letters A to Z, digits, - and _ "),
        ("name", "-rf", "name must be up to 64 letters A to Z, digits, - and _ "),
        ("name", "..", "name must be up to 64 letters A to Z, digits, - and _ "),
        ("name", "Con", "name must be up to 64 letters A to Z, digits, - and _ "),
        ("name", "x" * 65, "name must be up to 64 letters A to Z, digits, - and _ "),
        ("classes", ["effusion", "größe"], "classes must have names of up to 64 letters A to Z, digits, - and _ "),
        ("classes", ["effusion", "b\n"], "classes must have names of up to 64 letters A to Z, digits, - and _ "),
        ("classes", ["effusion", "Effusion"], "classes must have names that differ in more than capitals, but 'Effusion'"),
        ("classes", ["effusion", {"name": "b", "title": ""}], "classes must give 'b' a title"),
        ("classes", ["effusion"], "classes must name at least two classes, not 1"),
        ("positive", "covid", "positive must be one of the classes (effusion, no_effusion), not 'covid'"),
        ("data.manifest", "films/*.csv", "data.manifest must be the name of a file without its folder, not 'films/*.csv'"),
        ("data.manifest", "..", "data.manifest must be the name of a file without its folder, not '..'"),
        ("data.extra_training", [""], "data.extra_training must be the name of a file without its folder, not ''"),
        ("data.not_positive", ["a/b"], "data.not_positive must be the name of a file without its folder, not 'a/b'"),
        ("data.training_parts", [], "data.training_parts must name at least one part to learn from"),
        ("data.tested_part", "train", "data.tested_part must not be learned from, but 'train' is one of training_parts"),
        ("data.leaves_out", ["b", "effusion"], "data.leaves_out must not name a class of the recipe, but 'effusion' is one"),
        ("stopping.patience", 0, "stopping sets patients aside but does not say when to stop"),
        ("augmentation.scale", [1.1, 0.9], "augmentation.scale must begin with the smaller number, not 1.1 and 0.9"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(path: str, value: object, said: str):
    assert refusal(path, value).startswith(f"In the recipe my.toml, {said}")


def test_a_recipe_that_is_no_table_is_refused():
    with pytest.raises(RecipeError, match=r"^The recipe of the card must be a table, not 'darkcovidnet'\.$"):
        recipe_from_record("darkcovidnet", "of the card")  # type: ignore[arg-type]


# What is refused: files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = fast\n", "The recipe my.toml could not be read as TOML: Invalid value (at line 2, column 5)."),
        (b"a = 1\na = 2\n", "The recipe my.toml could not be read as TOML: Cannot overwrite a value (at line 2, column 6)."),
        (b"", "In the recipe my.toml, name is missing; it must be text."),
        (b"\x89PNG\r\n\x1a\n", "The file my.toml is not text in UTF-8; a recipe is a TOML file."),
        ("a = 1".encode("utf-16"), "The file my.toml is not text in UTF-8; a recipe is a TOML file."),
        (b"#" * 1_000_001, "The file my.toml is larger than 1 MB; a recipe is a short TOML file."),
        (b"#" * 1_000_000, "In the recipe my.toml, name is missing; it must be text."),
        (b"a = " + b"[" * 100_000, "The recipe my.toml could not be read: its lists are nested too deeply."),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(content: bytes, said: str, tmp_path: Path):
    (tmp_path / "my.toml").write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_recipe(tmp_path / "my.toml")
    assert str(caught.value) == said


@pytest.mark.parametrize("name", ["my.toml", "."])
def test_a_file_that_is_not_there_is_refused(name: str, tmp_path: Path):
    with pytest.raises(RecipeError, match=r"^There is no file .*; a recipe is a TOML file\.$"):
        read_recipe(tmp_path / name)


def test_a_recipe_that_cannot_be_written_is_said_so(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"^my\.toml could not be written to nowhere: "):
        write_recipe(RECIPES["darkcovidnet"], tmp_path / "nowhere" / "my.toml")
