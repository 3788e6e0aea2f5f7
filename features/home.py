"""The folder of all data: one place that knows where everything lies."""

import os
from dataclasses import dataclass
from pathlib import Path

from features.errors import HomeError


@dataclass(frozen=True)
class Home:
    """Paths under one root, normally named by `TAHDIKAS_HOME`."""

    root: Path

    @classmethod
    def open(cls, root: Path | str) -> "Home":
        """Make the folder if needed and check that it can be written; raises `HomeError` with the remedy."""
        path = Path(root).expanduser().absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = path / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise HomeError(
                f"The data folder {path} cannot be written ({error.strerror}). "
                "Name another with --home DIR or TAHDIKAS_HOME, or give yourself write access."
            ) from error
        return cls(path)

    @property
    def live_db(self) -> Path:
        """SQLite: live events, state, decisions, the list of lake files, quarantine."""
        return self.root / "live.db"

    @property
    def lake(self) -> Path:
        """Event history as Parquet by day."""
        return self.root / "lake"

    @property
    def imports(self) -> Path:
        """Large imports on their way: files brought into order, until all their parts are in the log."""
        return self.root / "imports"

    @property
    def catalogue(self) -> Path:
        """The shop's items, as Parquet."""
        return self.root / "catalogue" / "items.parquet"

    @property
    def config(self) -> Path:
        """Policy and action catalogue of this shop; the shipped defaults where absent."""
        return self.root / "config"

    @property
    def features(self) -> Path:
        """Feature snapshots by cutoff, as Parquet."""
        return self.root / "features"

    @property
    def feast(self) -> Path:
        """Feast's registry, rebuilt from code."""
        return self.root / "feast"

    @property
    def online_db(self) -> Path:
        """SQLite: packed online feature records."""
        return self.root / "online.db"

    @property
    def derived(self) -> Path:
        """What processes keep on this host and can make anew from the rest: no part of a copy."""
        return self.root / "derived"

    @property
    def experience_db(self) -> Path:
        """SQLite: reports of the journey, kept for pages."""
        return self.derived / "experience.sqlite"

    @property
    def desk_db(self) -> Path:
        """SQLite: everybody's standing, as the lookout keeps it."""
        return self.derived / "desk.sqlite"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artifacts."""
        return self.root / "mlflow"

    @property
    def models(self) -> Path:
        """Newly trained models, before promotion."""
        return self.root / "models"

    @property
    def bundles(self) -> Path:
        """Promoted bundles; `current.json` names the one in force."""
        return self.root / "bundles"

    @property
    def campaigns(self) -> Path:
        """Built campaign lists."""
        return self.root / "campaigns"

    @property
    def reports(self) -> Path:
        """Figures and summaries of the last runs."""
        return self.root / "reports"
