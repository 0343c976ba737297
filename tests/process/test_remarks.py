from lambdas.common.remarks import DRIFT, RULE, join, kinds_of, mark, text_of


def test_the_kinds_of_a_reason_stand_where_its_end_is_cut_off():
    reason = join([mark(DRIFT, "x" * 2000), mark(DRIFT, "y"), mark(RULE, "z")])
    assert kinds_of(reason[:1024]) == [DRIFT, RULE]
    assert text_of(reason) == f"{'x' * 2000}; y; z"


def test_what_was_never_marked_has_no_kind():
    assert join([]) is None
    assert join(["[0] is no number"]) == "[0] is no number"
    assert kinds_of("quality rule 'some' in words alone") == []
