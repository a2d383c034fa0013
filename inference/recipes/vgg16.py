"""Article D: VGG16, its convolutions taken from photographs or trained from scratch, for pneumonia against normal.

Source: "Pneumonia prediction using convolutional neural networks" (Medium, 2020) and its two public notebooks. Data: 94
"pneumonia" (in truth COVID-19 and others, adults) and 94 normal films of one children's hospital; 148 to train, 40 to test.
Claims: accuracy, precision, recall and F1 all 1.0, which is one number, 40/40, four times over.
Departures: the tuples ``departures`` below, which the model card and the panel print.
"""

from dataclasses import replace

from inference.recipe import Augmentation, DataSetting, FilmClass, Optimisation, Preprocessing, Recipe, Stage, Stopping
from inference.recipes import darkcovidnet

AS_PUBLISHED = Recipe(
    name="vgg16_transfer_as_published",
    title="Pneumonia or normal, transfer, as published",
    article="https://medium.com/analytics-vidhya/pneumonia-prediction-using-convolutional-neural-networks-e6d91595446",
    network="vgg16_two_sigmoids",
    classes=(FilmClass("pneumonia", "Pneumonia"), FilmClass("normal", "Normal (children)")),
    positive="pneumonia",
    preprocessing=Preprocessing(size=224, channels=3, crop="whole", values="unit"),  # the article's
    augmentation=Augmentation(),  # none in the article
    optimisation=Optimisation(
        epochs=25,  # at most
        batch=32,
        learning_rate=1e-4,  # the article's
        weight_decay=1e-3,  # Keras' l2(5e-4) is twice that in the gradient; dense layers only
        optimiser="adam",
        schedule="constant",
        stages=(Stage(epochs=25, learning_rate=1e-4, frozen_body=True),),
    ),
    stopping=Stopping(
        share=0.2,  # the article set these aside and did not use them
        accuracy=0.9,  # the article stopped at this accuracy on its training films
    ),
    data=DataSetting(manifest="D_188.csv", folds=5, protocol_members=3, as_published=True),
    weights="imagenet",
    claims=(("accuracy, precision, recall and F1 on 40 test films", "40/40 = 1.0"),),
    departures=("Stops when nine of ten films of patients set aside are right; the article stopped on its training films.",),
    notes={
        "summary": "Says how much a frontal chest film resembles pneumonia films of adults from one public collection, or "
        "normal films of children of one hospital.",
        "trained_on": "94 films of COVID-19 and other pneumonias of a public collection (journals and web pages) and 94 normal "
        "films of children aged one to five of one hospital in Guangzhou.",
        "never_tested_on": "Healthy adults, children with pneumonia, any other hospital. Nearly every normal film is a "
        "child's: the network may be telling children from adults.",
        "not_for": "Diagnosis, triage or treatment; lateral films; CT; screening.",
    },
)

SCRATCH = replace(
    AS_PUBLISHED,
    name="vgg16_scratch_as_published",
    title="Pneumonia or normal, from scratch, as published",
    network="vgg16_without_activations",
    weights="fresh",
    optimisation=replace(AS_PUBLISHED.optimisation, stages=()),
    stopping=Stopping(
        share=0.2,
        accuracy=0.9,
        patience=5,  # linear layers in a row may blow up; once both sigmoids are saturated no gradient is left
    ),
    departures=(
        "Stops when nine of ten films of patients set aside are right, or their loss has not fallen for five epochs; the "
        "article stopped on its training films.",
    ),
)

RECIPE = replace(
    AS_PUBLISHED,
    name="vgg16",
    title="Pneumonia or normal",
    network="vgg16",
    preprocessing=Preprocessing(
        size=224,
        channels=1,  # films are grey; the first layer is summed over its three channels
    ),
    stopping=Stopping(
        share=0.2,
        patience=3,  # the head of 120 million weights has learned 150 films in a few epochs
    ),
    data=DataSetting(manifest="D_188.csv", folds=5, protocol_members=0),
    departures=(
        "One softmax over the two classes instead of two sigmoids under a categorical cross-entropy.",
        "One grey input channel; each film standardised by its own mean and spread; square centre crop.",
        "Stops on the loss of patients set aside, and keeps the best epoch.",
        "Judged by five folds grouped by patient on all 188 films instead of on 40.",
    ),
)

RESIDUAL = replace(
    RECIPE,
    name="pneumonia_resnet",
    title="Pneumonia or normal, residual network",
    network="resnet18_w32",  # VGG16's weights take 537 MB, these 5.6 MB
    preprocessing=Preprocessing(
        size=160,  # as chest_resnet, whose films it starts from
        channels=1,
    ),
    augmentation=darkcovidnet.RECIPE.augmentation,  # measured there, on the same collections
    optimisation=Optimisation(
        epochs=30,  # 150 steps
        batch=32,
        learning_rate=1e-3,
        weight_decay=0.05,
        warm_up=0.25,
        label_smoothing=0.05,  # halves the expected calibration error of the other recipes
        gradient_clip=5.0,
    ),
    stopping=None,
    weights="chest",
    reading_rotations=(-1.5, 1.5),  # training films are resampled, and blunter for it
    departures=(
        "A residual network that has learned chest films of other patients first, instead of VGG16 and photographs.",
        "One softmax over the two classes instead of two sigmoids under a categorical cross-entropy.",
        "One grey input channel of 160 x 160; each film standardised by its own mean and spread; square centre crop.",
        "Rotations, shifts, changes of grey and erased boxes; one-cycle schedule, weight decay, label smoothing; "
        "no early stop.",
        "A film is read as the mean of two views turned by 1.5 degrees.",
        "Judged by five folds grouped by patient on all 188 films instead of on 40.",
    ),
)
