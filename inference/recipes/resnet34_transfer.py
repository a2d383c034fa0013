"""Article A: a ResNet34 that starts from other pictures, for COVID-19 against other pneumonia on 146 films.

Source: "Prototyping a CNN to diagnose COVID-19 from chest X-ray" (Towards Data Science, 2020; no code published, fastai
inferred from its words). Data: 73 COVID-19 films of a public collection and 73 pneumonia films of NIH ChestX-ray8; 117 to
train, 29 to validate. Claims: 25/29 = 86.2 % with the body frozen, 26/29 = 89.7 % after fine-tuning: one film apart.
Departures: the tuples ``departures`` below, which the model card and the panel print.
"""

from dataclasses import replace

from inference.recipe import DataSetting, FilmClass, Optimisation, Preprocessing, Recipe, Stage
from inference.recipes import darkcovidnet

_ARTICLE = "https://towardsdatascience.com/prototyping-a-cnn-to-diagnose-covid-19-from-chest-x-ray-e1224a8e7795"
_CLASSES = (FilmClass("covid", "COVID-19"), FilmClass("other_pneumonia", "Other pneumonia"))
_CLAIMS = (
    ("accuracy on 29 validation films, body frozen", "25/29 = 86.2 %"),
    ("accuracy on 29 validation films, fine-tuned", "26/29 = 89.7 %"),
)
_NOTES = {
    "summary": "Says how much a frontal chest film resembles COVID-19 films of one public collection or pneumonia films of "
    "one hospital.",
    "trained_on": "73 COVID-19 films of a public collection (journals and web pages, 2020) and 73 pneumonia films of the NIH "
    "Clinical Center, whose labels were mined from reports.",
    "never_tested_on": "Films of any other hospital, healthy people, children. The two classes come from different "
    "hospitals, so the network may be telling the hospitals apart.",
    "not_for": "Diagnosis, triage or treatment; children; lateral films; CT; screening.",
}
_FROZEN = Stage(
    epochs=7,  # the article's
    learning_rate=3e-3,  # fastai's default maximum
    frozen_body=True,
)
_FINE_TUNED = Stage(
    epochs=2,  # the article's
    learning_rate=1e-4,  # "very small": fastai's usual slice(1e-6, 1e-4)
    first_rate=0.01,
)

AS_PUBLISHED = Recipe(
    name="resnet34_transfer_as_published",
    title="COVID-19 or other pneumonia, as published",
    article=_ARTICLE,
    network="resnet34_fastai",
    classes=_CLASSES,
    positive="covid",
    preprocessing=Preprocessing(
        size=160,  # not stated; 224 is usual and costs twice the time
        channels=1,  # the stem is summed over its three equal channels: the same function of a grey film
    ),
    augmentation=darkcovidnet.AS_PUBLISHED.augmentation,  # both articles used fastai's get_transforms
    optimisation=Optimisation(
        epochs=9,
        batch=16,  # not stated; seven steps an epoch on 117 films
        learning_rate=3e-3,
        weight_decay=0.01,  # fastai's default
        betas=(0.9, 0.99),  # fastai's default
        stages=(_FROZEN, _FINE_TUNED),
    ),
    data=DataSetting(manifest="A_73v73.csv", folds=5, protocol_members=3, tested_part="val", as_published=True),
    weights="imagenet",
    claims=_CLAIMS,
    departures=(
        "Input 160 x 160, one channel: size and batch are not stated in the article.",
        "Each film is standardised by its own mean and spread instead of by those of ImageNet.",
        "fastai's perspective warp is left out.",
    ),
    notes=_NOTES,
)

FROZEN = replace(
    AS_PUBLISHED,
    name="resnet34_frozen_as_published",
    title="COVID-19 or other pneumonia, body frozen, as published",
    optimisation=replace(AS_PUBLISHED.optimisation, epochs=7, stages=(_FROZEN,)),
)

SCRATCH = replace(
    AS_PUBLISHED,
    name="resnet34_scratch",
    title="COVID-19 or other pneumonia, from scratch",
    weights="fresh",
    optimisation=replace(
        AS_PUBLISHED.optimisation,
        epochs=30,  # fresh weights need more than nine epochs: 240 steps
        learning_rate=1e-3,
        stages=(),
    ),
    departures=(*AS_PUBLISHED.departures, "Fresh weights and 30 epochs: the comparison that the article lacks."),
)

RECIPE = replace(
    AS_PUBLISHED,
    name="resnet34_transfer",
    title="COVID-19 or other pneumonia",
    weights="chest",
    augmentation=darkcovidnet.RECIPE.augmentation,  # measured there, on the same collections
    optimisation=replace(
        AS_PUBLISHED.optimisation,
        label_smoothing=0.05,  # halves the expected calibration error of the other recipes
        gradient_clip=5.0,
    ),
    data=DataSetting(manifest="A_73v73.csv", folds=5, protocol_members=0, tested_part="val"),
    departures=(
        "Starts from chest films of patients that are not in the data, not from photographs: ImageNet weights may not be at "
        "hand (--weights imagenet takes them where they are).",
        "No left-right flips, because the side of the heart is a finding.",
        "Judged by five folds grouped by patient on all 146 films instead of on 29.",
        "Input 160 x 160, one channel; each film standardised by its own mean and spread.",
    ),
)
