"""The published systems, one file each: a frozen ``RECIPE``, where it comes from, and where we depart from it."""

from inference.errors import RecipeError
from inference.recipe import Recipe
from inference.recipes import chest_resnet, ct_cnn, darkcovidnet, resnet34_transfer, small_cnn, vgg16

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        chest_resnet.RECIPE,
        ct_cnn.RECIPE,
        ct_cnn.AS_PUBLISHED,
        ct_cnn.BASIC,
        ct_cnn.SIMPLE,
        darkcovidnet.RECIPE,
        darkcovidnet.AS_PUBLISHED,
        darkcovidnet.BINARY,
        resnet34_transfer.RECIPE,
        resnet34_transfer.AS_PUBLISHED,
        resnet34_transfer.FROZEN,
        resnet34_transfer.SCRATCH,
        small_cnn.RECIPE,
        small_cnn.AS_PUBLISHED,
        vgg16.RECIPE,
        vgg16.AS_PUBLISHED,
        vgg16.SCRATCH,
        vgg16.RESIDUAL,
    )
}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises
    ------
    RecipeError
        If there is none; the text lists those there are.
    """
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe called {name!r}; there are: {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]
