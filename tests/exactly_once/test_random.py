"""Whatever is put, overwritten, deleted, loaded, crashed, rebuilt and forgotten, in any order: the model is right."""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.exactly_once.happenings import ends_well
from tests.exactly_once.lab import Lab
from tests.exactly_once.model import Row
from tests.exactly_once.shapes import SHAPES, Shape
from tests.exactly_once.world import World, at

EXAMPLES, STEPS = 16, 12
SEED = int(os.environ.get("EXACTLY_ONCE_SEED", "20240301"))

names = st.sampled_from(["1/0", "1/1", "2/0", "2/1"])
rows = st.builds(
    Row,
    id=st.sampled_from(["a", "b", "c", None]),
    at=st.builds(at, st.integers(1, 2), st.integers(0, 2)),
    n=st.sampled_from([None, 1, 2, 101]),
    v=st.sampled_from([None, 1, 2, 3]),
)
contents = st.lists(rows, max_size=4)
days = st.sampled_from([(1, 3), (1, 2), (2, 3)])
faults = st.sampled_from(["lose_before", "lose_after", "timeout", "pause"])


class Platform(RuleBasedStateMachine):
    """One source; each rule is something that people, sources or bad luck do."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab

    @initialize(shape=st.sampled_from(SHAPES))
    def begin(self, shape: Shape) -> None:
        self.world = World(self.lab, shape)

    @rule(name=names, content=contents)
    def put(self, name: str, content: list[Row]) -> None:
        self.world.put(name, *content)

    @rule(name=names)
    def put_damaged(self, name: str) -> None:
        self.world.put_bytes(name, b"PAR1 cut off")

    @rule(data=st.data())
    @precondition(lambda self: self.world.there())
    def delete(self, data: st.DataObject) -> None:
        self.world.delete(data.draw(st.sampled_from(self.world.there())))

    @rule(which=days)
    def load(self, which: tuple[int, int]) -> None:
        assert "answer" in (result := self.world.load(*which)), result

    @rule(which=days)
    def load_twice_at_once(self, which: tuple[int, int]) -> None:
        with self.world.loading(*which) as one, self.world.loading(1, 3) as other:
            assert "answer" in one.wait(), one.result
            assert "answer" in other.wait(), other.result

    @rule(which=days, fault=faults, nth=st.integers(1, 28), action=st.sampled_from(["load", "load", "rebuild"]))
    def crash(self, which: tuple[int, int], fault: str, nth: int, action: str) -> None:
        """A load meets a fault, where it has that many statements; a paused one is killed."""
        self.world.anew = self.world.anew or action == "rebuild"
        number = self.lab.faults.arm(fault, session=self.world.sessions, nth=nth)
        with self.world.loading(*which, action=action) as loader:
            while not (loader.has_ended() or self.lab.faults.state(number)["paused"]):
                time.sleep(0.01)
            if not loader.has_ended():
                loader.kill()
            else:
                assert ends_well(loader.wait()), loader.result
        self.lab.faults.clear()

    @rule(which=days)
    def rebuild(self, which: tuple[int, int]) -> None:
        self.world.anew = True
        assert "answer" in (result := self.world.load(*which, action="rebuild")), result

    @rule(data=st.data())
    @precondition(lambda self: self.world.there())
    def forget_object(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.world.there()))
        self.world.anew = True
        self.world.expect_forgotten(name)
        assert "answer" in (result := self.world.load(action="forget", forget=name)), result

    @rule(name=st.sampled_from(["a", "b", "c"]))
    @precondition(lambda self: self.world.shape.key == ("id",) and not self.world.deleted)
    def forget_key(self, name: str) -> None:
        self.world.anew = True
        self.world.expect_forgotten(name)
        assert "answer" in (result := self.world.load(action="forget", forget=name)), result
        self.world.learn_etags()

    @rule()
    def settle(self) -> None:
        self.world.recover()
        self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.settle()
            self.lab.scenarios += 1


@pytest.mark.long
@pytest.mark.timeout(600)
def test_tables_are_a_function_of_the_objects_whatever_happens(lab: Lab):
    lab.notes.append(f"random histories: {EXAMPLES}, seed {SEED} (EXACTLY_ONCE_SEED)")

    @seed(SEED)
    def machine() -> Platform:
        return Platform(lab)

    chosen = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=chosen)
