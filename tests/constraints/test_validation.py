"""What is wrong with a constraints.json, and where."""

import pytest

from chalicelib.constraints.validation import validation_error

A = {"name": "a", "inferred_type": "String"}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"features": [A]}, ""),
        ({"features": [{**A, "ours": 1}], "theirs": 2}, ""),
        ({}, "the document: object missing required field `features`"),
        ([], "the document: expected `object`, got `array`"),
        ({"features": 3}, "features: expected `array`, got `int`"),
        (
            {"features": [], "volume_constraints": {"minimum_rows_per_hour": -1}},
            "volume_constraints.minimum_rows_per_hour: expected `float` >= 0.0",
        ),
        (
            {"features": [A, {**A, "name": "b", "string_constraints": {"domains": ["red", 5]}}]},
            "features[1].string_constraints.domains[1] (feature 'b'): expected `str`, got `int`",
        ),
        ({"features": [A] * 11 + [{**A, "name": 5}]}, "features[11].name: expected `str`, got `int`"),
        (
            {"features": [A] * 11 + [{"name": "l"}]},
            "features[11] (feature 'l'): object missing required field `inferred_type`",
        ),
        ({"features": ["a"]}, "features[0]: expected `object`, got `str`"),
    ],
)
def test_the_sentence_names_the_place_and_the_feature(document, sentence):
    assert validation_error(document) == sentence
