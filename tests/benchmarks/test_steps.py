from pathlib import Path

import pytest

from benchmarks.steps import retraining_steps, run_step
from features.errors import DataError


def test_a_step_tells_what_it_cost_and_what_it_said() -> None:
    small, said = run_step(["-c", "print('done')"])
    large, _ = run_step(["-c", "import time; held = b'x' * 300_000_000; sum(range(3_000_000)); time.sleep(0.2)"])
    assert said == "done\n"
    assert large.seconds > 0.2
    assert small.cpu_seconds < large.cpu_seconds
    assert large.peak_mb > small.peak_mb + 100


def test_a_step_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(DataError, match=r"ended with 3: out of luck\. Put that right"):
        run_step(["-c", "print('out of luck'); raise SystemExit(3)"])


def test_the_steps_are_the_stages_of_a_retraining_with_the_folder_put_in() -> None:
    steps = retraining_steps(Path("/some/home"))
    assert list(steps)[:2] == ["events", "prepare"]
    assert list(steps)[-1] == "evaluate"
    assert steps["prepare"] == ["-m", "pipelines.cli", "--home", "/some/home", "stage", "prepare"]
