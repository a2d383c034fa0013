"""The published systems, one file each: a frozen ``RECIPE``, where it comes from, and where we depart from it."""

from inference.errors import RecipeError
from inference.recipe import Recipe
from inference.recipes import darkcovidnet

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (darkcovidnet.RECIPE,)}


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
