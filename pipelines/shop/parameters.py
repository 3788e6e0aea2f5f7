"""Every number of the simulated shop's model, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """One action of the old shop's weekly letter: its `strength` scales every customer's response to it."""

    action_id: str
    strength: float
    discount: float


OFFERS = (
    Offer("weekly_discount", 1.0, 0.12),
    Offer("weekly_free_delivery", 0.75, 0.05),
    Offer("weekly_news", 0.5, 0.0),
)

SEGMENTS = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")


@dataclass(frozen=True)
class Parameters:
    """Rates are per customer and week, times in days, unless the comment says otherwise."""

    # Who they are
    known_from_start: float = 0.55  # share of customers the shop had before the first day; the rest join evenly
    rate_shape: float = 1.1  # gamma shape of the planned-order rate
    rate_mean: float = 0.075
    taste_concentration: float = 3.2  # Dirichlet: small means few departments a customer
    staples_share: float = 0.36  # customers who order consumables on a rhythm
    factor_strength: float = 0.9  # weight of personal taste against popularity within a department
    stores_share: float = 0.16  # mean share of a customer's orders made in a store
    email_grant: float = 0.6
    profiling_grant: float = 0.7
    profiling_objection: float = 0.05
    feedback_grant: float = 0.55
    # How satisfaction moves and what it does
    recovery: float = 0.045  # share of the way back to her own level
    satisfaction_sd: float = 0.35  # spread of own levels
    rate_by_satisfaction: float = 0.5  # log order rate per unit
    dropout: float = 0.006  # weekly hazard at satisfaction 0
    dropout_shape: float = 0.9  # gamma shape of personal hazards
    dropout_by_satisfaction: float = 1.15  # log hazard per unit lost
    newcomer_dropout: float = 3.2  # hazard multiplier in the first eight weeks after joining
    fading_weeks: int = 4  # before dropping out she browses and plans less
    fading_activity: float = 0.6
    pause: float = 0.009  # chance to begin a pause from the shop, returning by herself
    pause_weeks: float = 9.0  # mean length beyond three weeks
    paused_activity: float = 0.1
    # Shocks to satisfaction
    shock_late: float = -0.35
    shock_late_day: float = -0.06
    shock_failed: float = -0.8
    shock_wrong_size: float = -0.12
    shock_defect: float = -0.5
    shock_asked: float = -0.4
    shock_slow: float = -0.4
    shock_quick: float = 0.25
    shock_kind_staff: float = 0.15
    shock_friction: float = -0.22
    shock_sold_in_trouble: float = -0.45
    shock_sleeping_dog: float = -0.1
    # What goes wrong
    late: float = 0.07
    late_scale: float = 3.5  # mean days beyond the promise
    failed: float = 0.008
    wrong_size: float = 0.15  # per order with sized goods
    regret: float = 0.025
    complaint_when_late: float = 0.14
    question: float = 0.012
    drag_return: float = 0.1
    drag_exchange: float = 0.28
    drag_warranty: float = 0.3
    drag_complaint: float = 0.4
    drag_claim: float = 0.3
    friction_order: float = 0.03  # per order, hindered but completed
    long_wait: float = 0.08  # per store order
    friction_lost: float = 0.0025  # an order given up
    # The weekly letter
    audience: float = 0.25  # share of consenting customers a week's letter is planned for
    control: float = 0.15  # of them, drawn at random, not sent
    uplift: float = 0.085  # mean added weekly order intensity of a persuadable for strength 1
    sleeping_dog_factor: float = 0.45  # order intensity of a sleeping dog in a week with a letter
    opened: float = 0.34
    clicked: float = 0.16  # of those opened
    unsubscribe: float = 0.002
    unsubscribe_in_trouble: float = 0.03
    # What they say
    feedback: float = 0.16  # per order, ordinary experience
    tablet: float = 0.5  # per store order
    case_feedback: float = 0.35  # after a case is resolved
    # Browsing
    browse: float = 0.11  # sessions without an order
    research: float = 0.3  # orders with a session on the same goods some days before
    visitors: float = 0.3  # never-known visitors per customer, over the whole time
    # How it reaches the log
    store_lag_hours: float = 9.0
    late_arrival: float = 0.004  # share of events that arrive days late
    duplicates: float = 0.002  # share of rows written twice, exactly
    disordered: float = 0.01  # share of rows out of place in their file


PARAMETERS = Parameters()
