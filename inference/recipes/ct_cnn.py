"""Article C: small Keras networks for COVID-19 on single slices of lung CT.

Source: "Can a convolutional neural network diagnose COVID-19 from lungs CT scans?" (Towards Data Science, 2020). Data: 349
COVID-19 and 397 other slices of 746 figures of preprints (UCSD COVID-CT); the first fifth of each sorted folder, 148 slices,
validates. Claims: accuracy 0.770, F1 0.4625 as printed. The printed matrix pairs predictions in shuffled order with labels
in folder order; precision and recall give the true one, [[58, 11], [23, 56]], F1 0.767, and its classes are the other way
round: "recall" is that of slices *without* COVID-19.
Departures: the tuples ``departures`` below, which the model card and the panel print.
"""

from dataclasses import replace

from inference.recipe import Augmentation, DataSetting, FilmClass, Optimisation, Preprocessing, Recipe, Stopping

_NOTES = {
    "summary": "Says how much one axial slice of a lung CT resembles the COVID-19 slices or the other slices of one public "
    "collection of figures.",
    "trained_on": "349 COVID-19 slices of 216 patients and 397 other slices, cut from figures of preprints of 2020 (UCSD "
    "COVID-CT): no Hounsfield units, no series.",
    "never_tested_on": "Slices of any scanner's own series; other windows than the figures'; children.",
    "not_for": "Diagnosis, triage or treatment; chest films; other parts of the body; screening.",
}

AS_PUBLISHED = Recipe(
    name="ct_cnn_as_published",
    title="Lung CT slice, as published",
    article="https://towardsdatascience.com/can-a-convolutional-neural-network-diagnose-covid-19-from-lungs-ct-scans-4294e29b72b",
    network="ct_cnn",
    classes=(FilmClass("covid", "COVID-19"), FilmClass("non_covid", "Not COVID-19")),
    positive="covid",
    preprocessing=Preprocessing(
        size=248,  # the article's
        crop="whole",  # the article's: the shape of the picture is lost
        values="unit",
    ),
    augmentation=Augmentation(  # the article's; Keras counts shear in degrees
        rotation_degrees=5.0, scale=(0.95, 1.05), shift_fraction=0.05, shear_degrees=0.05, horizontal_flip=True
    ),
    optimisation=Optimisation(
        epochs=40,  # 30, then 40 in the article
        batch=64,
        learning_rate=0.01,  # the article's
        weight_decay=0.0,
        optimiser="adam",
        schedule="constant",
    ),
    stopping=Stopping(
        share=0.15,  # the article stopped on its test slices
        patience=7,  # the article's
    ),
    data=DataSetting(manifest="C_keras598_148.csv", folds=5, protocol_members=3, tested_part="val", as_published=True),
    modality="ct",
    claims=(
        ("accuracy on 148 slices", "0.770"),
        ("F1 as printed, from a matrix whose labels were out of step", "0.4625"),
        ("F1 of the true matrix", "0.767"),
    ),
    departures=(
        "Stops on patients set aside from the training slices; the article stopped on the slices it was judged by.",
        "Every slice of an epoch is used; the article's loader dropped 22 of 598 and 20 of 148.",
        "The judged slices are not augmented; the article's were.",
        "COVID-19 is the positive class; in the article's code it was the negative one.",
    ),
    notes=_NOTES,
)

BASIC = replace(
    AS_PUBLISHED, name="ct_cnn_basic_as_published", title="Lung CT slice, first network, as published", network="ct_cnn_basic"
)

SIMPLE = replace(
    AS_PUBLISHED,
    name="ct_cnn_simple_as_published",
    title="Lung CT slice, second network, as published",
    network="ct_cnn_simple",
)

OFFICIAL = replace(
    AS_PUBLISHED,
    name="ct_cnn",
    title="Lung CT slice",
    network="resnet18_w32",  # the article's third network, trained as here, reaches 0.77 where this one reaches 0.84 (AUC)
    preprocessing=Preprocessing(
        size=224,  # 7 x 7 cells
        crop="whole",  # figures are cut to the lungs: a square would lose a third of a wide one
    ),
    augmentation=Augmentation(
        rotation_degrees=10.0,  # patients lie crooked by less than this
        scale=(0.85, 1.15),  # figures are cut more or less tightly
        shift_fraction=0.06,
        gamma_log=0.25,  # windows differ between figures
        contrast=0.25,
        brightness=0.08,
        resample_probability=0.3,  # resolution tells the journal
        resample_smallest=0.5,
        erase_probability=0.3,  # letters and arrows stand in the figures
        erase_fraction=0.25,
        horizontal_flip=True,  # figures show slices from above and from below, and nothing says which
    ),
    optimisation=Optimisation(
        epochs=30,
        batch=32,
        learning_rate=1e-3,  # the article's 0.01 lets the bottleneck of 8 units die
        weight_decay=0.05,
        warm_up=0.25,
        label_smoothing=0.05,
        gradient_clip=5.0,
        average_decay=0.99,
    ),
    stopping=None,
    weights="chest",
    reading_rotations=(-1.5, 1.5),
    data=DataSetting(
        manifest="C_official425_118_203.csv",
        folds=5,
        protocol_members=3,
        training_parts=("train", "val"),
        tested_part="test",
        leaves_out_films=(  # two training slices "without COVID-19" are copies of COVID-19 slices of the test part
            "6c146878d111d5fd59bfa6825537ce984d624e032fa843bd146b272540e471b3",
            "f0c2269c5d778cf952be36ee1023c2d00ad8952bf8cb286cbb63fe5d012b1ddd",
        ),
    ),
    departures=(
        "A residual network that has learned chest films first (ResNet-18, a quarter of the usual weights) instead of the "
        "article's third network.",
        "Judged by the data set's own division, no patient on both sides, and by five folds grouped by patient; two training "
        "slices that are copies of test slices, with the other label, are left out.",
        "Each slice is standardised by its own mean and spread.",
        "Left-right flips, rotations, shifts, changes of grey, blunting and erased boxes.",
        "AdamW with a one-cycle schedule at a tenth of the rate, label smoothing, averaged weights; no early stop.",
        "A slice is read as the mean of two views turned by 1.5 degrees, because training slices were resampled, too.",
        "The mean of the logits of three networks (one a seed) answers under the set's own division.",
        "COVID-19 is the positive class; in the article's code it was the negative one.",
    ),
)

RECIPE = replace(
    OFFICIAL,
    data=replace(
        OFFICIAL.data,
        folds=2,  # two networks of 5.6 MB: more would not fit among the models that ship
        protocol_members=0,
        folded_parts=("val", "test"),
    ),
    departures=(
        *(said for said in OFFICIAL.departures if "division" not in said),
        "Two networks, each learning from the training part of the data set's own division by patient and from one half of "
        "its validation and test parts, and judged on the other half, grouped by patient; two training slices that are copies "
        "of test slices, with the other label, are left out.",
    ),
)
