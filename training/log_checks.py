"""Checks of the event log in front of training: sources that fell silent, a past that changed, purchases told twice."""

from datetime import datetime

from features.feature_store.batch import BATCH_FEATURES
from features.feature_store.quality.calendar import Calendar, Silence, silence
from features.feature_store.quality.reference import TrainingProfile
from training.finding import Finding, Severity, beyond
from training.params import QualityParams

_FEWEST_EVENTS = 100
_DAILY = 3
"""What is told so often that chance explains no longer silence stops training; rarer types only warn."""


def check_silence(calendar: Calendar, moment: datetime, limits: QualityParams) -> list[Finding]:
    """Sources, and types of event, that were silent at a moment for longer than their own rhythm explains.

    Longer is: more than `silence_days`, than `silence_factor` times their longest silence, and than chance. A type
    whose sources are all silent is not told again.
    """
    findings, silent = [], set()
    for source in sorted({one.source for one in calendar.told}):
        found = silence(calendar.heard(source=source), moment)
        if found is not None and found.now > (allowed := allowed_silence(found, limits)):
            silent.add(source)
            findings.append(
                Finding("silence", source, "error", found.now, allowed, _words("source", source, found, allowed))
            )
    for name in sorted({spec.source for spec in BATCH_FEATURES.values()}):
        if {one.source for one in calendar.told if one.type == name} <= silent:
            continue
        found = silence(calendar.heard(event_type=name), moment)
        if found is not None and found.now > (allowed := allowed_silence(found, limits)):
            severity: Severity = "error" if found.chance <= _DAILY else "warning"
            words = _words("type", name, found, allowed)
            findings.append(Finding("silence", name, severity, found.now, allowed, words))
    return findings


def allowed_silence(found: Silence, limits: QualityParams) -> float:
    """How many days of silence the rhythm explains."""
    return max(limits.silence_days, limits.silence_factor * found.longest, found.chance)


def check_past(calendar: Calendar, trained: TrainingProfile, limits: QualityParams) -> list[Finding]:
    """Types of event of which the time before a training now holds more or fewer than it did then."""
    findings = []
    now = calendar.counts(trained.until)
    for name, before in sorted(trained.events.items()):
        if before < _FEWEST_EVENTS:
            continue
        change = now.get(name, 0) / before - 1
        words = (
            f"{now.get(name, 0):,} {name} events happened before {trained.until}, {before:,} when the model was "
            f"trained, a change of {abs(change):.0%} (limit {{limit:.0%}}). See whether a file was imported twice "
            "under other ids, or lost. If older history was imported on purpose, accept it."
        )
        findings += beyond("history", name, abs(change), limits.warn_past_change, limits.max_past_change, words)
    return findings


def check_twins(calendar: Calendar, limits: QualityParams) -> list[Finding]:
    """Purchases that are there twice under other ids."""
    if not calendar.purchases:
        return []
    share = calendar.twins / calendar.purchases
    words = (
        f"{calendar.twins:,} of {calendar.purchases:,} purchases repeat another's customer, order, moment and lines "
        f"({share:.1%}, limit {{limit:.1%}}). An import under other event ids was probably made twice: begin anew "
        "without it."
    )
    return beyond("twins", "purchase", share, limits.warn_twins, limits.max_twins, words)


def _words(what: str, name: str, found: Silence, allowed: float) -> str:
    return (
        f"The {what} {name} has told nothing for {found.now} days, last on {found.last}; until then it was silent for "
        f"at most {found.longest}, and {allowed:g} are allowed. Import what is missing, or train as of {found.last}."
    )
