"""Parts of the face: what comes to light where they leave, what lies upon them, and their counterparts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mask.parts import counterpart, lies_upon, part_at
from engine.mask.regions import FEATURES
from engine.mask.steps import Entry, Mirror, Protection, done
from engine.types import Region
from resources.labels import mirrored
from tests.fakes import make_labels
from tests.unit.transforming import (
    BACK,
    CLOTH,
    EARRING,
    GLASSES,
    HAIR,
    ID,
    LEFT,
    LOWER,
    MOUTH,
    NOSE,
    RIGHT,
    SKIN,
    UPPER,
    about,
    after,
    blob,
    ground,
    matrices,
    moved,
    on_skin,
    seeds,
    transform,
)

# What it leaves, and what lies upon it


def test_a_part_covers_whatever_is_there():
    labels = on_skin()
    labels[10:18, 26:30] = NOSE
    labels[30:] = HAIR
    result = after(labels, transform(LEFT, 13, 11, moved(10, 0)))
    assert (result[10:16, 22:32] == LEFT).all()
    assert (result[16:18, 26:30] == NOSE).all()
    assert (result[10:18, 12:22] == SKIN).all()


def test_an_eye_leaves_room_to_the_glasses_that_it_was_seen_through():
    labels = np.full((40, 40), SKIN, np.uint8)
    labels[5:25, 5:35] = GLASSES
    labels[10:16, 12:22] = LEFT
    result = after(labels, transform(LEFT, 13, 11, moved(0, 4)))
    assert (result[10:14, 12:22] == GLASSES).all()
    assert (result == LEFT).sum() == 60


def test_a_lip_leaves_room_to_the_mouth_and_the_mouth_to_the_lips():
    labels = np.full((40, 40), SKIN, np.uint8)
    labels[10:14, 10:30], labels[14:20, 10:30], labels[20:24, 10:30] = UPPER, MOUTH, LOWER
    opened = after(labels, transform(UPPER, 15, 12, moved(0, -2)))
    assert (opened[12:14, 12:28] == MOUTH).all() and (opened[8:12, 10:30] == UPPER).all()
    closed = after(labels, transform(MOUTH, 15, 16, about(20, 20, 1, 0.5)))
    assert (closed[14:17, 12:28] == UPPER).all() and (closed[17:20, 10:30] == MOUTH).all()
    # One lip over the other: the covered one is not filled in again.
    over = after(labels, transform(UPPER, 15, 12, moved(0, 10)))
    assert (over[20:24, 10:30] == UPPER).all() and not (over == LOWER).any()


def test_hair_leaves_room_to_what_borders_on_it_but_not_to_features():
    labels = np.full((40, 40), BACK, np.uint8)
    labels[5:15, 5:35], labels[15:35, 5:35] = HAIR, SKIN
    labels[15:17, 10:20] = ID["l_brow"]
    result = after(labels, transform(HAIR, 20, 10, moved(0, -4)))
    assert (result[11:15, 10:30] == SKIN).all()
    assert (result == ID["l_brow"]).sum() == 20


def test_only_what_borders_on_a_gap_fills_it():
    labels = np.full((50, 50), BACK, np.uint8)
    labels[5:35, 5:35], labels[15:35, 11:29] = HAIR, SKIN
    result = after(labels, transform(HAIR, 20, 10, moved(8, 8)))
    # Skin lies nearer to the gap's lower rows than the background does, but beyond the hair.
    assert (result[5:13, 24:35] == BACK).all()
    assert (result[24:30, 9:11] == SKIN).all() and (result[24:30, 5:7] == BACK).all()


def test_features_stay_upon_the_skin_or_go_along():
    labels = np.full((60, 60), HAIR, np.uint8)
    labels[10:50, 10:50] = SKIN
    labels[20:24, 20:28] = LEFT
    labels[10:14, 30:38] = ID["l_brow"]  # touches the hair
    staying = after(labels, transform(SKIN, 40, 40, moved(0, 5)))
    assert (staying[15:55, 10:50] == SKIN).sum() == 40 * 40 - 32
    assert ((staying == LEFT) == (labels == LEFT)).all()
    assert ((staying == ID["l_brow"]) == (labels == ID["l_brow"])).all()
    assert (staying[10:15, 10:30] == HAIR).all()

    going = after(labels, transform(SKIN, 40, 40, moved(0, 5), along=FEATURES))
    np.testing.assert_array_equal(going[15:55, 10:50], labels[10:50, 10:50])
    assert (going[10:15] == HAIR).all()

    mixed = after(labels, transform(SKIN, 40, 40, moved(0, 5), along=(LEFT,)))
    assert (mixed[25:29, 20:28] == LEFT).all() and (mixed[20:24, 20:28] == SKIN).all()
    assert ((mixed == ID["l_brow"]) == (labels == ID["l_brow"])).all()


def test_only_what_glasses_enclose_lies_upon_them():
    labels = np.full((40, 60), SKIN, np.uint8)
    labels[10:30, 5:25] = labels[10:30, 35:55] = labels[18:20, 25:35] = GLASSES
    labels[15:20, 10:20] = RIGHT  # behind a dark glass
    labels[12:28, 37:53] = SKIN  # a clear glass
    labels[15:20, 37:45] = LEFT  # which touches the frame
    result = after(labels, transform(GLASSES, 6, 11, moved(0, -6)))
    assert ((result == RIGHT) == (labels == RIGHT)).all()
    assert (result[20:24, 10:20] == GLASSES).all()
    # Through the clear one the face shows, wherever it is.
    assert (result[15:20, 38:45] == LEFT).all()
    assert (result[6:22, 37:53] != GLASSES).all()


def test_what_the_edge_cuts_through_goes_on_beyond_it():
    labels = np.full((60, 40), BACK, np.uint8)
    labels[40:, 5:35] = CLOTH
    raised = after(labels, transform(CLOTH, 20, 50, moved(0, -15)))
    assert (raised[25:, 5:35] == CLOTH).all() and (raised == CLOTH).sum() == 35 * 30
    # No farther than it is long.
    far = after(labels, transform(CLOTH, 20, 50, moved(0, -39)))
    assert (far[1:41, 5:35] == CLOTH).all() and (far == CLOTH).sum() == 40 * 30


def test_what_only_touches_the_edge_does_not():
    labels = np.full((60, 60), BACK, np.uint8)
    y, x = np.mgrid[:60, :60]
    labels[(y - 20) ** 2 + (x - 30) ** 2 <= 20.5**2] = HAIR
    result = after(labels, transform(HAIR, 30, 20, moved(0, 15)))
    assert (result == HAIR).sum() == (labels == HAIR).sum()
    assert (result[:15] == BACK).all()


def test_protection_is_not_its_business():
    labels = on_skin()
    labels[10:18, 26:30] = NOSE
    step = transform(LEFT, 13, 11, moved(10, 0))
    result = done(ground(labels), Entry(step, Protection(locked=(NOSE,))))
    assert ((result == NOSE) == (labels == NOSE)).all()
    assert (result[10:16, 22:26] == LEFT).all()


# In mirror image


@settings(max_examples=40)
@given(matrix=matrices, bend=st.booleans(), seed=seeds)
def test_a_symmetric_face_stays_symmetric(matrix, bend, seed):
    half = np.full((48, 40), SKIN, np.uint8)
    half[blob(seed)[:, 12:52] == LEFT] = RIGHT
    labels = np.c_[half, mirrored(half)]
    grid = np.random.default_rng(seed).normal(0, 1, (3, 3, 2)) if bend else None
    part = part_at(labels, *(np.argwhere(labels == RIGHT)[0][::-1] + 0.5))
    assert part is not None
    small = np.c_[matrix[:, :2] / 2.5, part.centre - matrix[:, :2] / 2.5 @ part.centre]
    y, x = np.argwhere(labels == RIGHT)[0] + 0.5
    result = after(labels, transform(RIGHT, x, y, small, grid, Mirror(40, 24)))
    # A bend is computed at nodes, which lie elsewhere on the other side: a border may be off by a pixel here and there.
    # Without one, a border that falls on a pixel's very middle may still go either way.
    assert (mirrored(result) != result).sum() <= (0.03 * (result == RIGHT).sum() + 4 if bend else 4)
    alone = after(labels, transform(RIGHT, x, y, small, grid))
    np.testing.assert_array_equal(alone[:, 40:], labels[:, 40:])
    np.testing.assert_array_equal(alone[:, :40], result[:, :40])


def test_the_counterpart_is_transformed_about_its_own_centre():
    labels = np.full((60, 80), SKIN, np.uint8)
    labels[20:30, 10:24] = RIGHT
    labels[26:36, 53:67] = LEFT  # lower, and farther in
    result = after(labels, transform(RIGHT, 15, 25, about(17, 25, 2, 2), mirror=Mirror(40, 30)))
    assert Region.of(result == RIGHT) == Region(15, 3, 35, 31)
    assert Region.of(result == LEFT) == Region(21, 46, 41, 74)
    lifted = after(labels, transform(RIGHT, 15, 25, moved(3, -5), mirror=Mirror(40, 30)))
    assert Region.of(lifted == LEFT) == Region(21, 50, 31, 64)


def test_a_part_across_the_line_is_transformed_once():
    labels = np.full((40, 40), SKIN, np.uint8)
    labels[10:20, 14:22] = NOSE
    step, both = (transform(NOSE, 15, 15, moved(5, 3), mirror=mirror) for mirror in (None, Mirror(19, 20)))
    np.testing.assert_array_equal(after(labels, both), after(labels, step))
    assert (after(labels, step) == NOSE).sum() == 80


def test_two_parts_of_one_class_are_each_others_counterparts():
    labels = np.full((40, 40), BACK, np.uint8)
    labels[20:26, 2:5] = labels[21:27, 34:37] = EARRING
    result = after(labels, transform(EARRING, 3, 22, moved(1, 4), mirror=Mirror(20, 20)))
    assert Region.of(result[:, :20] == EARRING) == Region(24, 3, 30, 6)
    assert Region.of(result[:, 20:] == EARRING) == Region(25, 13, 31, 16)


def test_counterparts_that_are_too_far_away_are_none():
    labels = np.full((60, 80), SKIN, np.uint8)
    labels[2:6, 10:20] = RIGHT
    labels[50:54, 60:70] = LEFT
    part = part_at(labels, 12, 3)
    assert part is not None
    assert counterpart(labels, part, Mirror(40, 30)) is None
    labels[50:54, 60:70] = SKIN
    assert counterpart(labels, part, Mirror(40, 30)) is None
    labels[10:14, 62:70] = LEFT  # does not overlap, but is near
    found = counterpart(labels, part, Mirror(40, 30))
    assert found is not None and found.region == Region(10, 62, 14, 70) and found.label == LEFT
    labels[0:5, 58:61] = LEFT  # overlaps less than the next one
    labels[0:5, 62:68] = LEFT
    found = counterpart(labels, part, Mirror(40, 30))
    assert found is not None and found.region.x0 == 62


# What is taken hold of


def test_a_part_knows_what_lies_upon_it():
    labels = make_labels(64, 64)
    skin = part_at(labels, 25, 35)
    assert skin is not None and skin.label == SKIN
    assert set(np.unique(skin.labels[skin.upon])) == {LEFT, RIGHT, NOSE, UPPER, LOWER}
    assert lies_upon(SKIN) == FEATURES and lies_upon(HAIR) == ()
    eye = skin.lying(RIGHT)
    assert eye.region == Region.of(labels == RIGHT)
    hair = part_at(labels, 32, 4)
    assert hair is not None and hair.label == HAIR and not hair.upon.any()
    assert part_at(labels, 64, 4) is None and part_at(labels, 4, -1) is None
