"""Article E: four convolutions in three blocks, for COVID-19 against normal films.

Source: "Detecting COVID-19 using deep learning" (Towards Data Science, 2020) and its public notebook. Data: 142 COVID-19
films of a public collection (adults) and 142 normal films of one children's hospital; 224 to train, 60 to validate. Claims:
58/60 = 96.7 % in the last epoch; the headline 96.4 % is training accuracy (216/224).
Departures: the tuples ``departures`` below, which the model card and the panel print.
"""

from dataclasses import replace

from inference.recipe import Augmentation, DataSetting, FilmClass, Optimisation, Preprocessing, Recipe
from inference.recipes import darkcovidnet

AS_PUBLISHED = Recipe(
    name="small_cnn_as_published",
    title="COVID-19 or normal, as published",
    article="https://towardsdatascience.com/detecting-covid-19-using-deep-learning-262956b6f981",
    network="small_cnn",
    classes=(FilmClass("covid", "COVID-19"), FilmClass("normal", "Normal (children)")),
    positive="covid",
    preprocessing=Preprocessing(size=224, channels=3, crop="whole", values="unit"),  # the article's
    augmentation=Augmentation(  # the article's; Keras counts shear in degrees
        scale=(0.8, 1.2), shear_degrees=0.2, horizontal_flip=True
    ),
    optimisation=Optimisation(
        epochs=10,  # the article's
        batch=32,
        learning_rate=1e-3,  # Adam's default in Keras
        weight_decay=0.0,
        optimiser="adam",
        schedule="constant",
        films_per_epoch=256,  # the article's 8 steps of 32
    ),
    data=DataSetting(manifest="E_142v142.csv", folds=5, protocol_members=3, tested_part="val", as_published=True),
    claims=(
        ("accuracy on 60 validation films, last epoch", "58/60 = 96.7 %"),
        ("accuracy on the training films, given as the result", "216/224 = 96.4 %"),
    ),
    departures=("COVID-19 is the positive class; in the article's code the one output is the probability of normal.",),
    notes={
        "summary": "Says how much a frontal chest film resembles COVID-19 films of adults from one public collection, or "
        "normal films of children of one hospital.",
        "trained_on": "142 COVID-19 films of a public collection (journals and web pages, 2020) and 142 normal films of "
        "children aged one to five of one hospital in Guangzhou.",
        "never_tested_on": "Healthy adults, any other disease, any other hospital. Every normal film is a child's: the "
        "network may be telling children from adults.",
        "not_for": "Diagnosis, triage or treatment; lateral films; CT; screening.",
    },
)

RECIPE = replace(
    AS_PUBLISHED,
    name="small_cnn",
    title="COVID-19 or normal",
    preprocessing=Preprocessing(
        size=224,
        channels=1,  # films are grey
    ),
    augmentation=darkcovidnet.RECIPE.augmentation,  # measured there, on the same collections
    optimisation=replace(
        AS_PUBLISHED.optimisation,
        optimiser="adamw",
        schedule="one_cycle",
        weight_decay=0.01,
        label_smoothing=0.05,  # halves the expected calibration error of the other recipes
        films_per_epoch=0,
        gradient_clip=5.0,
    ),
    data=DataSetting(manifest="E_142v142.csv", folds=5, protocol_members=0, tested_part="val"),
    departures=(
        "One grey input channel (the first layer has 576 weights fewer); each film standardised by its own mean and spread.",
        "Square centre crop, because the shape of the picture tells the source.",
        "No left-right flips, because the side of the heart is a finding; rotations, shifts, changes of grey and erased boxes "
        "instead.",
        "One-cycle schedule, weight decay, label smoothing.",
        "Judged by five folds grouped by patient; the published parts share 14 patients.",
    ),
)
