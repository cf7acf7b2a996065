"""Finding what a person means by a few letters of its name. Knows nothing of Qt."""

from dataclasses import dataclass

_LETTER = 1.0
_WORD_START = 7.0
_IN_A_ROW = 6.0
_GAP = -3.0
_PER_LETTER_OF_TEXT = -0.05
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Match:
    """How well a text fits what was typed.

    Attributes
    ----------
    score
        Larger is better; comparable between texts for the same query.
    places
        The indices of the text's characters that were typed, ascending.
    """

    score: float
    places: tuple[int, ...]


def match(query: str, text: str, main: int = 0) -> Match | None:
    """Find the letters of a query in a text, in order but with gaps, preferring the beginnings of words.

    Parameters
    ----------
    query
        Words in any order; each must be found. Case does not matter.
    text
        What is searched.
    main
        The index from which letters count more, such as that of the name behind a path.

    Returns
    -------
    Match or None
        The best way to find them; None where a word is not in the text.
    """
    folded = [letter.lower() for letter in text]
    worth = [_worth(text, place) + (2.0 if place >= main else 0.0) for place in range(len(text))]
    total, places = _PER_LETTER_OF_TEXT * len(text), set[int]()
    for word in query.split():
        found = _match_word([letter.lower() for letter in word], folded, worth)
        if found is None:
            return None
        total += found[0]
        places.update(found[1])
    return Match(total, tuple(sorted(places)))


def _worth(text: str, place: int) -> float:
    begins = text[place].isalnum() and (place == 0 or not text[place - 1].isalnum())
    return _LETTER + (_WORD_START if begins else 0.0)


def _match_word(word: list[str], text: list[str], worth: list[float]) -> tuple[float, list[int]] | None:
    """Return the best score of a word, and the places of its letters."""
    # best[j]: of all ways to find the letters up to the present one, with that one at j; came[i][j]: where the one
    # before it then is.
    best = [worth[j] if text[j] == word[0] else _NEVER for j in range(len(text))]
    came: list[list[int]] = [[-1] * len(text)]
    for letter in word[1:]:
        new, origin = [_NEVER] * len(text), [-1] * len(text)
        before, at = _NEVER, -1  # the best with at least one letter between
        for j in range(1, len(text)):
            if j >= 2 and best[j - 2] > before:
                before, at = best[j - 2], j - 2
            if text[j] == letter:
                gapped, adjacent = before + _GAP, best[j - 1] + _IN_A_ROW
                score = max(gapped, adjacent)
                if score > _NEVER:
                    new[j], origin[j] = score + worth[j], (j - 1 if adjacent >= gapped else at)
        best = new
        came.append(origin)
    end = max(range(len(text)), key=best.__getitem__, default=-1)
    if end < 0 or best[end] == _NEVER:
        return None
    places = [end]
    for origin in reversed(came[1:]):
        places.append(origin[places[-1]])
    return best[end], places[::-1]
