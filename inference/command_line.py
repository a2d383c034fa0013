"""The inference verbs without a window: train, evaluate, models, examples. The only place in inference that prints."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from inference.assemble import judge_protocol, read_held_out
from inference.bundle import Bundle, list_bundles, open_bundle
from inference.card import read_card
from inference.class_folders import read_class_folders
from inference.dataset import Sample, find_manifest, label_indices, load_squares
from inference.errors import BundleError, DatasetError, InferenceError, TrainingError
from inference.evaluate import fit_temperature, judge, softmax
from inference.examples import ExampleProgress, ExampleResult, fetch, install, links
from inference.external.films import linked_training_films, read_films
from inference.external.folder import PAGE, Question, evaluate_outside
from inference.external.page import summary_lines
from inference.figures import find_learning_rate_figure, save_figure
from inference.files import make_folder, write_bytes
from inference.films import Films, grouped, list_films
from inference.groups import judge_groups
from inference.hospitals import FOLDS, judge_bundle
from inference.learning_rate import find_learning_rate
from inference.map_scales import ReadCount
from inference.members import MemberProgress
from inference.metric_lines import area_text, metric_lines, share_text
from inference.model_card.page import model_card
from inference.model_card.source import read_source
from inference.predict import Device, Predictor, choose_device
from inference.recipe import Recipe
from inference.recipe_file import USABLE_NAME, read_recipe, recipe_as_toml, recipe_for_classes, write_recipe
from inference.recipes import RECIPES, find_recipe
from inference.reproduction.experiments import Experiment, chosen
from inference.reproduction.page import collect, insert_summary, page, summary
from inference.reproduction.runs import finished_run, quick, run
from inference.run_report import RunRecord, write_run_report
from inference.train import TrainingFilms
from inference.training_run import train_bundle
from inference.transfer import starting_weights

Result = TypeVar("Result")

DEFAULT_MODEL = "chest_resnet"
MEGABYTE = 1_000_000


class Places:
    """Where models and example films lie: told by the program, so that inference need not know the viewer."""

    def __init__(self, shipped: Path, own: Path, examples: Path) -> None:
        self.shipped, self.own, self.examples = shipped, own, examples

    @property
    def runs(self) -> Path:
        """Return the folder of the reproduction's runs, which need not exist."""
        return self.shipped.parent / "reproduction"

    def find(self, name: str) -> Path:
        """Return the folder of a model given by name or folder."""
        for candidate in (Path(name), self.own / name, self.shipped / name):
            if (candidate / "card.json").is_file():
                return candidate
        return Path(name)


def main(arguments: Sequence[str], places: Places) -> int:
    """Run one verb; 0 all done, 1 something failed (one sentence on stderr), 2 wrong use."""
    options = _parser().parse_args(list(arguments))
    verb: Callable[[argparse.Namespace, Places], int] = options.run
    try:
        return verb(options, places)
    except InferenceError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hilum", description="Train, judge and manage models.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train a recipe on a folder of films and write a model bundle")
    train.add_argument("recipe", help="one of ours, or a recipe file (.toml)")
    train.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder that holds the recipe's manifest, a manifest, or class folders",
    )
    train.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--name", type=_model_name, help="name of the model, instead of the recipe's")
    train.add_argument("--seed", type=_natural, default=0)
    train.add_argument("--weights", help="where to start: fresh, imagenet, chest, a file of ImageNet weights, a model's folder")
    train.add_argument("--resume", action="store_true", help="go on with the run that is in the folder")
    train.add_argument("--epochs", type=_positive, help="instead of the recipe's")
    train.add_argument("--threads", type=_positive, help="processor threads for torch")
    train.set_defaults(run=run_train)
    find = verbs.add_parser("find-lr", help="try learning rates from small to large and say where the loss falls fastest")
    find.add_argument("recipe", help="one of ours, or a recipe file (.toml)")
    find.add_argument("--data", type=Path, required=True)
    find.add_argument("--out", type=Path, help="folder for the figure, as PNG and SVG")
    find.add_argument("--weights")
    find.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    find.add_argument("--seed", type=_natural, default=0)
    find.add_argument("--steps", type=_positive, default=100)
    find.set_defaults(name=None, run=run_find_learning_rate)
    recipes = verbs.add_parser("recipes", help="list the recipes there are, or write one as a file to be changed")
    recipes.add_argument("recipe", nargs="?")
    recipes.add_argument("--toml", type=Path, metavar="OUT", help="write the recipe to this file")
    recipes.set_defaults(run=run_recipes)
    reproduce = verbs.add_parser("reproduce", help="train and judge the published systems, and write the page that shows them")
    reproduce.add_argument("systems", nargs="*", help="A, B, C, D, E, ours; all when none is named")
    reproduce.add_argument("--data", type=Path, required=True, help="folder that holds the manifests")
    reproduce.add_argument("--out", type=Path, default=Path("reproduction"), help="folder of the runs; a broken one goes on")
    reproduce.add_argument("--page", type=Path, default=Path("REPRODUCTION.md"))
    reproduce.add_argument("--readme", type=Path, help="page whose table is renewed, too")
    reproduce.add_argument("--seeds", type=_positive, default=3, help="at most")
    reproduce.add_argument("--only", metavar="KEY", help="one experiment of the systems, as it is called in the folder")
    reproduce.add_argument("--epochs", type=_positive, help="instead of the recipes': to try the way")
    reproduce.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    reproduce.add_argument("--threads", type=_positive, help="processor threads for torch")
    reproduce.set_defaults(run=run_reproduce)
    evaluate = verbs.add_parser(
        "evaluate",
        help="judge a model on films it has never seen, or read its held-out films again",
        description="Given a manifest with films that are new to the model: judges it on those alone (training films, their "
        "patients and copies are left out) and writes a folder with JSON, a table of answers and a page. Given the folder or "
        "manifest of its own held-out films: reads each again with the network that never saw it.",
    )
    evaluate.add_argument("model", nargs="?", default=DEFAULT_MODEL, help="name or folder")
    evaluate.add_argument("--data", type=Path, required=True, help="manifest of new films; or the model's own films")
    evaluate.add_argument("--out", type=Path, metavar="FOLDER", help="folder for what comes of new films")
    evaluate.add_argument("--positive", default="", metavar="LABEL", help="films of this label have the finding, others not")
    evaluate.add_argument(
        "--label", action="append", default=[], type=_pair, metavar="NAME=CLASS", help="a label that means a class of the model"
    )
    evaluate.add_argument("--threads", type=_positive, help="processor threads for torch")
    evaluate.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    evaluate.add_argument("--json", metavar="OUT")
    evaluate.add_argument("--report", type=Path, metavar="FOLDER", help="write a report with figures to this folder")
    evaluate.set_defaults(run=run_evaluate)
    hospitals = verbs.add_parser(
        "judge-hospitals",
        help="train a model's recipe again with hospitals left out, and write on its card what it is worth there",
        description="Trains the model's recipe again, each time without the films of some countries and without every "
        "collection that teaches only what is not positive; judges those films, and writes the figures on the model's card, "
        "beside those of the folds that keep patients apart. Takes as long as the training of the model.",
    )
    hospitals.add_argument("model", help="name or folder")
    hospitals.add_argument("--data", type=Path, required=True, help="folder that holds the manifests of the model's recipe")
    hospitals.add_argument("--out", type=Path, required=True, help="folder of the run; a broken one goes on")
    hospitals.add_argument("--folds", type=_positive, default=FOLDS, help="networks, each without its countries (5)")
    hospitals.add_argument("--seed", type=_natural, default=0)
    hospitals.add_argument("--threads", type=_positive, help="processor threads for torch")
    hospitals.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    hospitals.set_defaults(run=run_judge_hospitals)
    models = verbs.add_parser("models", help="list the models there are, or show one's card")
    models.add_argument("words", nargs="*", metavar="[show] MODEL", help="name or folder")
    models.add_argument("--json", metavar="OUT")
    models.add_argument("--html", nargs="?", const="", metavar="OUT", help="write the model card as one page")
    models.set_defaults(run=run_models)
    examples = verbs.add_parser("examples", help="the pictures of a model's held-out films").add_subparsers(required=True)
    link = examples.add_parser("install", help="link a folder of films to the model by their hashes")
    link.add_argument("folder", type=Path)
    link.add_argument("--model", default=DEFAULT_MODEL)
    link.set_defaults(run=run_examples_install)
    get = examples.add_parser("fetch", help="fetch the films from their public addresses")
    get.add_argument("--model", default=DEFAULT_MODEL)
    get.add_argument("--limit", type=_positive, default=500, help="megabytes in all (500)")
    get.add_argument("--base", help="scheme and host of a mirror")
    get.set_defaults(run=run_examples_fetch)
    return parser


def _model_name(text: str) -> str:
    if not USABLE_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name for a folder: letters A to Z, digits, - and _ only")
    return text


def _pair(text: str) -> tuple[str, str]:
    label, separator, name = text.partition("=")
    if not (label and separator and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=CLASS")
    return label, name


def _positive(text: str) -> int:
    number = _natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def run_train(options: argparse.Namespace, places: Places) -> int:
    """Train every member of a recipe, judge them on the films they never saw, and write the bundle and its run report."""
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe, films, manifest = _recipe_and_films(options)
    recipe = recipe.with_epochs(options.epochs) if options.epochs else recipe
    recipe = replace(recipe, name=options.name) if options.name else recipe
    if not options.resume and any((options.out / "members").glob("*")):
        raise TrainingError(
            f"The folder {options.out.name} holds an earlier run; add --resume to go on with it, or choose another folder."
        )
    device = choose_device(options.device)
    data = options.data if options.data.is_dir() else options.data.parent
    ours = list_bundles(places.shipped)
    work = train_bundle(recipe, films, options.out, device, options.seed, manifest, options.weights, data, ours)
    bundle = ProgressBar().follow(work, _work_line)
    print(*metric_lines(bundle.card["metrics"], bundle), sep="\n")
    print(f"The run report is {options.out / 'run' / 'report.html'}.")
    print(f"The model {bundle.name} was written to {options.out}.")
    return 0


def _recipe_and_films(options: argparse.Namespace) -> tuple[Recipe, Films, Path | None]:
    """Return the recipe, the films it is given, and the manifest they came from (None: a folder of class folders)."""
    recipe = read_recipe(Path(options.recipe)) if options.recipe.endswith(".toml") else find_recipe(options.recipe)
    films, manifest, classes = _films(recipe, options.data)
    if manifest and manifest.name != recipe.data.manifest:
        recipe = _for_manifest(recipe, manifest.name)
    if set(classes) != set(recipe.class_names):
        recipe = recipe_for_classes(recipe, options.name or recipe.name, classes)
    return recipe, grouped(films.samples, films.extra), manifest


def _for_manifest(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe for another manifest, all of whose films are judged, without the ones that stand beside its own."""
    return replace(recipe, data=replace(recipe.data, manifest=name, folded_parts=(), extra_training=(), not_positive=()))


def _films(recipe: Recipe, data: Path) -> tuple[Films, Path | None, tuple[str, ...]]:
    """Return films, their manifest and classes: of a manifest, of a folder that holds the recipe's, or of class folders."""
    if data.is_file():
        given = _for_manifest(recipe, data.name)
        return list_films(data.parent, given), data, recipe.class_names
    name = recipe.data.manifest
    if (name and any(data.rglob(name))) or not any(data.glob("*/")):
        manifest = find_manifest(data, name or "manifest.csv")
        return list_films(data, recipe), manifest, recipe.class_names
    found = read_class_folders(data)
    for note in (*found.skipped, *found.notes):
        print(note, file=sys.stderr)
    return Films(found.samples), None, found.classes


def _work_line(progress: MemberProgress | ReadCount) -> tuple[float, str]:
    return _training_line(progress) if isinstance(progress, MemberProgress) else _reading_line(progress)


def run_find_learning_rate(options: argparse.Namespace, places: Places) -> int:
    """Print the learning rate at which the loss falls fastest, and draw the curve."""
    recipe, films, _ = _recipe_and_films(options)
    device = str(choose_device(options.device).torch_device)
    folder = options.out or Path("find-lr")
    bar = ProgressBar()
    choice, ours = options.weights or "fresh", list_bundles(places.shipped)
    start = bar.follow(starting_weights(choice, recipe, films, options.data, folder / "chest", device, ours), _training_line)
    own = TrainingFilms(load_squares(films.samples, recipe), label_indices(films.samples, recipe))
    search = find_learning_rate(recipe, own, options.seed, device, start, steps=options.steps)
    found = bar.follow(search, lambda done: (done, "trying learning rates"))
    print(f"{found.suggestion:.2g} is where the loss falls fastest ({len(found.rates)} rates tried); "
          f"the recipe has {recipe.optimisation.all_stages[0].learning_rate:.2g}.")  # fmt: skip
    if options.out:
        make_folder(options.out)
        save_figure(find_learning_rate_figure(found.rates, found.losses, found.suggestion), options.out / "find-lr")
    return 0


def run_recipes(options: argparse.Namespace, places: Places) -> int:
    """List the recipes, or write one as a file that can be changed and trained."""
    if not options.recipe:
        for recipe in RECIPES.values():
            print(f"{recipe.name:<34} {recipe.title}")
        return 0
    recipe = find_recipe(options.recipe)
    if options.toml:
        write_recipe(recipe, options.toml)
    else:
        print(recipe_as_toml(recipe), end="")
    return 0


def run_reproduce(options: argparse.Namespace, places: Places) -> int:
    """Train and judge the published systems, one run after the other, and write the page after each."""
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    ours = list_bundles(places.shipped)
    everything = [quick(e, options.epochs) if options.epochs else e for e in chosen(())]
    wanted = {e.name for e in chosen(options.systems) if options.only in (None, e.key)}
    for seed in range(options.seeds):
        for experiment in (e for e in everything if e.name in wanted):
            if seed < experiment.seeds and finished_run(options.out, experiment, seed) is None:
                print(f"{experiment.name}, seed {seed}: {experiment.title}", file=sys.stderr)
                ProgressBar().follow(run(experiment, seed, options.data, options.out, device, ours), _training_line)
                _write_page(options, everything)
    _write_page(options, everything)
    return 0


def _write_page(options: argparse.Namespace, experiments: Sequence[Experiment]) -> None:
    runs = collect(options.out, experiments)
    write_bytes(options.page, page(runs).encode())
    if options.readme:
        old = options.readme.read_text(encoding="utf-8")
        write_bytes(options.readme, insert_summary(old, summary(runs)).encode())


def _training_line(progress: MemberProgress) -> tuple[float, str]:
    report = progress.report
    done = (progress.number - 1 + report.epoch / report.epochs) / progress.members
    text = (
        f"{progress.member} ({progress.number}/{progress.members}) epoch {report.epoch}/{report.epochs} "
        f"loss {report.loss:.3f} accuracy {report.accuracy:.3f}"
    )
    return done, text


def _reading_line(progress: ReadCount) -> tuple[float, str]:
    return progress.done / progress.total, f"reading {progress.purpose} {progress.done}/{progress.total}"


def run_evaluate(options: argparse.Namespace, places: Places) -> int:
    """Judge a model on films that are new to it; or read its held-out films again, under both divisions."""
    if options.threads:
        torch.set_num_threads(options.threads)
    bundle = open_bundle(places.find(options.model))
    if options.out or options.positive or options.label or _has_new_films(bundle, options.data):
        return _evaluate_outside(bundle, options, places)
    samples = _films(bundle.recipe, options.data)[0].samples
    device = choose_device(options.device)
    bar = ProgressBar()
    truth, logits = _read_folds(bundle, samples, device, bar)
    probabilities = softmax(logits, float(bundle.card["temperature"]))
    patients = [s.patient for s in samples]
    found = judge(bundle.class_names, bundle.card["positive"], truth, probabilities, patients)
    found["groups"] = judge_groups(bundle.class_names, bundle.card["positive"], truth, probabilities, samples)
    metrics: dict[str, Any] = {"cross_validation": found | {"best_temperature": fit_temperature(truth, logits)}}
    tested = [s for s in samples if s.split == bundle.recipe.data.tested_part and not bundle.recipe.data.by_image]
    if tested and bundle.build_protocol_members():
        metrics["protocol"] = bar.follow(judge_protocol(bundle, tested, device), _reading_line)
    print(*metric_lines(metrics, bundle), sep="\n")
    if options.report:
        run = RunRecord(bundle.card["title"], bundle.recipe, {}, truth, probabilities, patients, found)
        print(f"The report is {write_run_report(run, options.report)}.")
    if options.json:
        _write_json(options.json, metrics)
    return 0


def run_judge_hospitals(options: argparse.Namespace, places: Places) -> int:
    """Train a model's recipe with hospitals left out, print what it is worth there, and write it on the model's card."""
    if options.threads:
        torch.set_num_threads(options.threads)
    bundle = open_bundle(places.find(options.model))
    device = choose_device(options.device)
    work = judge_bundle(bundle, options.data, options.out, options.folds, options.seed, device)
    for entry in ProgressBar().follow(work, _work_line):
        print(f"{entry['title']}: area {area_text(entry['auc'])}, {entry['films']:,} films")
    inside = bundle.card["metrics"]["cross_validation"]["auc"]
    print(f"With patients left out, not hospitals: area {area_text(inside)}")
    return 0


def _has_new_films(bundle: Bundle, data: Path) -> bool:
    """Return whether this is a manifest that lists a film which is none of the model's held-out ones."""
    if not data.is_file():
        return False
    known = {row.sha256 for row in bundle.examples()}
    return any(sample.sha256 not in known for sample in read_films(data))


def _evaluate_outside(bundle: Bundle, options: argparse.Namespace, places: Places) -> int:
    if not options.data.is_file():
        raise DatasetError(f"There is no manifest {options.data.name}; new films are told by a manifest, a CSV file.")
    if options.json or options.report:
        raise DatasetError("JSON and page of new films are written to the folder of --out; leave out --json and --report.")
    folder = options.out or Path(f"{bundle.name}-on-{options.data.stem}")
    question = Question(options.data, options.positive, dict(options.label))
    training = linked_training_films(bundle.examples(), links(places.examples / bundle.name))
    work = evaluate_outside(bundle, question, folder, choose_device(options.device), training)
    record = ProgressBar().follow(work, _reading_line)
    for line in summary_lines(record, dict(zip(bundle.class_names, bundle.class_titles, strict=True))):
        print(line)
    print(f"The page is {folder / PAGE}.")
    return 0


def _read_folds(
    bundle: Bundle, samples: Sequence[Sample], device: Device, bar: ProgressBar
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return truths (films,) and logits (films, classes), each film read by the network that never saw its patient."""
    rows = {row.sha256: row for row in bundle.examples()}
    unknown = [s for s in samples if s.sha256 not in rows]
    if unknown:
        raise BundleError(
            f"{len(unknown)} films of the manifest are not among the model's held-out films; it cannot be judged."
        )
    fold_of = [int(rows[s.sha256].fold) for s in samples]
    truth = label_indices(samples, bundle.recipe)
    plain = Bundle(bundle.folder, bundle.card | {"temperature": 1.0}, bundle.recipe, bundle.weights_sha256)
    reading = read_held_out(Predictor(plain, device), samples, truth, lambda row: [fold_of[row]])
    held_out = bar.follow(reading, _reading_line)
    return held_out.truth, held_out.logits


def run_models(options: argparse.Namespace, places: Places) -> int:
    """List the models, print one card, or write it as a page."""
    words = options.words[1:] if len(options.words) == 2 and options.words[0] == "show" else options.words
    if len(words) > 1:
        raise BundleError(f"One model at a time: {', '.join(words)} are {len(words)}.")
    if words:
        return _show_model(open_bundle(places.find(words[0])), options, places)
    if options.html is not None:
        raise BundleError("Name the model whose card is wanted: models show NAME --html.")
    cards, broken = _read_cards(list_bundles(places.own, places.shipped))
    if options.json:
        _write_json(options.json, [{key: card[key] for key in ("name", "title", "version", "recipe")} for card in cards])
        return 1 if broken else 0
    for card in cards:
        accuracy = card["metrics"]["cross_validation"]["accuracy"]
        print(f"{card['name']:<16} {card['version']:<8} {card['title']}: held-out accuracy {share_text(accuracy)}")
    if not cards:
        print("No model is installed.")
    return 1 if broken else 0


def _show_model(bundle: Bundle, options: argparse.Namespace, places: Places) -> int:
    if options.html is None or options.json:
        _write_json(options.json or "-", bundle.card)
    if options.html is not None:
        page = model_card(read_source(bundle.folder, places.runs))
        if options.html == "-":
            print(page, end="")
        else:
            out = Path(options.html or f"{bundle.name}-card.html")
            write_bytes(out, page.encode())
            print(f"The model card is {out}.", file=sys.stderr if options.json == "-" else sys.stdout)
    return 0


def _read_cards(folders: Sequence[Path]) -> tuple[list[dict[str, Any]], bool]:
    """Return the cards that can be read, and whether one could not, which is said on stderr."""
    cards, broken = [], False
    for folder in folders:
        try:
            cards.append(read_card(folder))
        except BundleError as error:
            print(error, file=sys.stderr)
            broken = True
    return cards, broken


def run_examples_install(options: argparse.Namespace, places: Places) -> int:
    """Link a folder of films to a model by hash."""
    bundle = open_bundle(places.find(options.model))
    folder = places.examples / bundle.name
    result = ProgressBar().follow(install(bundle.examples(), options.folder, folder), _example_line)
    return _say_examples(result, len(bundle.examples()))


def run_examples_fetch(options: argparse.Namespace, places: Places) -> int:
    """Fetch a model's example films from their public addresses."""
    bundle = open_bundle(places.find(options.model))
    folder = places.examples / bundle.name
    fetching = fetch(bundle.examples(), folder, limit_bytes=options.limit * MEGABYTE, base=options.base)
    result = ProgressBar().follow(fetching, _example_line)
    print(f"{len(links(folder))} pictures are on this machine.")
    return _say_examples(result, len(bundle.examples()))


def _example_line(progress: ExampleProgress) -> tuple[float, str]:
    return progress.done / max(progress.total, 1), f"{progress.done}/{progress.total} {progress.name}"


def _say_examples(result: ExampleResult, total: int) -> int:
    print(f"{result.linked} of {total} held-out films have their picture; {result.missing} have none.")
    for sentence in result.failed:
        print(sentence, file=sys.stderr)
    return 1 if result.failed else 0


def _write_json(target: str, content: object) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    if target == "-":
        print(text)
        return
    try:
        Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{Path(target).name} could not be written: {error.strerror}.") from error


class ProgressBar:
    """A bar with the time left on a terminal; a plain line every ten seconds, and at the end, elsewhere."""

    WIDTH = 28

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._last = 0.0

    def follow(self, work: Generator[Any, None, Result], line: Callable[[Any], tuple[float, str]]) -> Result:
        """Exhaust a generator, showing each thing it yields; return what it returns."""
        began, shown = time.monotonic(), False
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                if shown and self._terminal:
                    print(file=sys.stderr)
                return end.value  # type: ignore[no-any-return]
            fraction, text = line(progress)
            self._show(fraction, text, time.monotonic() - began)
            shown = True

    def _show(self, fraction: float, text: str, elapsed: float) -> None:
        now = time.monotonic()
        if sys.stderr is None or (now - self._last < (0.1 if self._terminal else 10) and fraction < 1):
            return
        self._last = now
        left = f"{_clock(elapsed / fraction - elapsed)} left" if fraction > 0 else ""
        if self._terminal:
            filled = int(self.WIDTH * fraction)
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            print(f"\r[{bar}] {100 * fraction:3.0f} % {left:<14} {text[:70]:<70}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{100 * fraction:3.0f} % {left} {text}", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
