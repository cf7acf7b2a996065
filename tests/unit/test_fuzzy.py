"""Finding commands by a few of their letters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.fuzzy import match

WORDS = st.text(alphabet="abcXYZ é›-", max_size=14)


def score(query: str, text: str, main: int = 0) -> float:
    found = match(query, text, main)
    assert found is not None
    return found.score


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("zi", "Zoom in", (0, 5)),
        ("ZOOM", "Zoom in", (0, 1, 2, 3)),
        ("in zo", "Zoom in", (0, 1, 5, 6)),
        ("", "Zoom in", ()),
        ("é", "Café É", (5,)),
        # The beginning of a word rather than the first place where the letter is.
        ("m", "Zoom mask", (5,)),
        ("em", "Item: export mask", (6, 13)),
        # In a row rather than apart.
        ("pa", "p a pa", (4, 5)),
        ("photo", "p h o t o photo", (10, 11, 12, 13, 14)),
    ],
)
def test_letters_are_found_where_a_person_means_them(query, text, places):
    found = match(query, text)
    assert found is not None and found.places == places


@pytest.mark.parametrize(("query", "text"), [("x", "Zoom in"), ("iz", "Zoom in"), ("zoom x", "Zoom in"), ("a", "")])
def test_what_is_not_there_is_not_found(query, text):
    assert match(query, text) is None


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("exp", "Export", "Text map"),
        ("em", "Export mask", "Remember"),
        ("fit", "Fit", "Filter it"),
        ("fit", "Fit", "Fit to the width of the window"),
        ("re", "Redo", "Larger brush"),
    ],
)
def test_better_fits_score_higher(query, better, worse):
    assert score(query, better) > score(query, worse)


def test_letters_of_the_name_count_more_than_those_of_the_path():
    named, menu = "View › Fit", "Fit › View"
    assert score("fit", named, main=7) > score("fit", menu, main=6)
    found = match("v", "View › View", main=7)
    assert found is not None and found.places == (7,)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_what_is_found_spells_the_query(query, text):
    found = match(query, text)
    missing = [word for word in query.split() if not _within(word, text)]
    assert (found is None) == bool(missing)
    if found is not None:
        assert list(found.places) == sorted(set(found.places))
        assert all(0 <= place < len(text) for place in found.places)
        letters = "".join(text[place].lower() for place in found.places)
        assert all(_within(word, letters) for word in query.split())
        assert set(letters) <= set(query.lower())


def _within(word: str, text: str) -> bool:
    left = iter(text.lower())
    return all(letter in left for letter in word.lower())


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab ", min_size=1, max_size=8), st.text(alphabet="ab", min_size=1, max_size=3))
def test_the_best_way_is_found(text, word):
    """Compared to trying every way."""
    from itertools import combinations

    ways = [places for places in combinations(range(len(text)), len(word)) if "".join(text[i] for i in places) == word]
    found = match(word, text)
    if not ways:
        assert found is None
        return

    def worth(places):
        total = -0.05 * len(text)
        for index, place in enumerate(places):
            starts = text[place] != " " and (place == 0 or text[place - 1] == " ")
            total += 3.0 + 7.0 * starts
            if index:
                total += 6.0 if place == places[index - 1] + 1 else -3.0
        return total

    assert found is not None and found.score == pytest.approx(max(map(worth, ways)))
    assert worth(found.places) == pytest.approx(found.score)
