from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import main_job


def test_an_unknown_name_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["speed"])
    assert "there are online_retail, complete_journey" in capsys.readouterr().err


def test_absent_data_are_said_to_be_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAHDIKAS_SHARED_DATA", str(tmp_path))
    assert main_job.find_data(main_job.ONLINE_RETAIL) is None
    assert command.main(["online_retail"]) == 1
    assert "online_retail: skipped, its data are absent" in capsys.readouterr().err
