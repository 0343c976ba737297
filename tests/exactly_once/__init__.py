"""No row is lost and none is doubled: the load is met at each of its statements, and compared with a model.

`model.py` says in twenty lines what the tables hold. A scenario (`happenings.py`) meets a real loader process
(`nursery.py`) at a boundary (`boundaries.py`) of a source with work (`beginning.py`), on an endpoint that makes faults
on demand; afterwards tables, ledger and answers are checked (`checks.py`). The boundaries are read from a load to which
nothing happened, so a new statement of the load is met without a change here.

    pytest tests/exactly_once                             all of it, with the number of scenarios at the end
    pytest tests/exactly_once -m "not long"               one of each kind
    EXACTLY_ONCE_SEED=7 pytest tests/exactly_once/test_random.py

`defects/*.patch` are planted into a copy of the tree (`test_defects.py`). Where the code has moved on, make one anew:
plant the defect, `git diff`, keep the three lines at its head, take the defect out again.
"""
