from fieldguide.core.grouping import grouped


def test_values_and_keys_stay_in_their_order() -> None:
    groups = grouped([("b", 1), ("a", 2), ("b", 0)])
    assert list(groups.items()) == [("b", [1, 0]), ("a", [2])]
    assert groups.get("c") is None
