"""Which files of a ZIP are data."""

import io
import zipfile

import pytest

from lambdas.common.errors import SourceError


def zipped(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


DATA = {f"sub dir/part{n}.csv": f"id,at,name\n{n},2024-01-01,x\n" for n in (1, 2)}
LEFT = dict.fromkeys(("__MACOSX/sub dir/._part1.csv", ".DS_Store.csv", "sub dir/.hidden/x.csv"), "x\n1\n") | {
    "empty/": ""
}
README = {"README.txt": "id,at,name\nthis is no data\n"}


def extract(bench, content, **more):
    block = bench.write("pack.zip", zipped(content))
    return {"filesystem": {**block, "format": "csv", **more}}


def test_what_systems_leave_in_a_zip_is_passed_over(bench):
    assert bench.ingest(extract(bench, DATA | LEFT))["rows"] == 2
    assert [row["id"] for row in bench.rows("2024-01-01")] == ["1", "2"]


@pytest.mark.parametrize("members", ["*.csv", "SUB*/*.csv", "sub dir/*"])
def test_members_name_the_data(bench, members):
    assert bench.ingest(extract(bench, DATA | LEFT | README, members=members))["rows"] == 2


def test_one_member_may_be_named(bench):
    bench.ingest(extract(bench, DATA | README, members="sub dir/part2.csv"))
    assert [row["id"] for row in bench.rows("2024-01-01")] == ["2"]


def test_a_zip_of_several_kinds_of_files_says_how_to_choose(bench):
    said = r"pack.zip: the ZIP holds files of several kinds: README.txt, sub dir/part1.csv, sub dir/part2.csv; say "
    with pytest.raises(SourceError, match=rf"{said}which are data by filesystem.members, as in members: '\*.csv'"):
        bench.ingest(extract(bench, DATA | README))
    with pytest.raises(SourceError, match=r"no file in the ZIP matches members '\*.tsv'; it holds README.txt, sub dir"):
        bench.ingest(extract(bench, DATA | README, members="*.tsv"))
    with pytest.raises(SourceError, match=r"matches members '\*'; it holds no file"):
        bench.ingest(extract(bench, LEFT))
    assert bench.etags() == {}
