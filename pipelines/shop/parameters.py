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
    rate_mean: float = 0.075  # mean of it
    taste_concentration: float = 3.2  # Dirichlet: small means few departments a customer
    staples_share: float = 0.36  # customers who order consumables on a rhythm
    staple_bought_here: float = 0.8  # chance that due staples are ordered here, at full activity and satisfaction
    cycle_noise: float = 0.16  # log standard deviation of one consumption cycle
    sale_pull: float = 1.2  # how much a general reduction adds to planned orders, per unit
    factor_strength: float = 0.9  # weight of personal taste against popularity within a department
    stores_share: float = 0.16  # mean share of a customer's orders made in a store
    email_grant: float = 0.6  # share granting marketing by e-mail
    profiling_grant: float = 0.7  # share granting profiling
    profiling_objection: float = 0.05  # share objecting to it from the start
    feedback_grant: float = 0.55  # share granting feedback requests
    # How satisfaction moves and what it does
    recovery: float = 0.045  # share of the way back to her own level
    satisfaction_sd: float = 0.35  # spread of own levels
    rate_by_satisfaction: float = 0.5  # log order rate per unit
    dropout: float = 0.006  # weekly hazard at satisfaction 0
    dropout_shape: float = 0.9  # gamma shape of personal hazards
    dropout_by_satisfaction: float = 1.15  # log hazard per unit lost
    newcomer_dropout: float = 3.2  # hazard multiplier in the first eight weeks after joining
    fading_weeks: int = 4  # before dropping out she browses and plans less
    fading_activity: float = 0.6  # how much less
    pause: float = 0.009  # chance to begin a pause from the shop, returning by herself
    pause_weeks: float = 9.0  # mean length beyond three weeks
    paused_activity: float = 0.1  # what remains of her activity meanwhile
    # Shocks to satisfaction
    shock_late: float = -0.35  # delivered after the promise
    shock_late_day: float = -0.06  # per day beyond it
    shock_failed: float = -0.8  # not delivered at the first attempt
    shock_wrong_size: float = -0.12  # goods that do not fit
    shock_defect: float = -0.5  # faulty goods
    shock_asked: float = -0.4  # each time she has to ask about a case
    shock_slow: float = -0.4  # a case that dragged on, when resolved
    shock_quick: float = 0.25  # a case resolved quickly
    shock_kind_staff: float = 0.15  # staff that went out of their way
    shock_friction: float = -0.22  # a payment, checkout, pick-up or queue that failed her
    shock_sold_in_trouble: float = -0.45  # a sales letter while a case is open or a delivery overdue
    shock_sleeping_dog: float = -0.1  # any letter to a sleeping dog
    # What goes wrong
    late: float = 0.07  # per delivery, before season and carrier
    late_scale: float = 3.5  # mean days beyond the promise
    failed: float = 0.008  # per delivery, before season
    wrong_size: float = 0.15  # per order with sized goods
    regret: float = 0.025  # per order, sent back without a fault
    complaint_when_late: float = 0.14  # per late delivery, more with each day
    question: float = 0.012  # per order
    drag_return: float = 0.1  # share of returns that drag on
    drag_exchange: float = 0.28  # of exchanges
    drag_warranty: float = 0.3  # of warranty cases
    drag_complaint: float = 0.4  # of complaints
    drag_claim: float = 0.3  # of delivery claims
    friction_order: float = 0.03  # per order, hindered but completed
    long_wait: float = 0.08  # per store order
    friction_lost: float = 0.0025  # an order given up
    # The weekly letter
    audience: float = 0.25  # share of consenting customers a week's letter is planned for
    control: float = 0.15  # of them, drawn at random, not sent
    uplift: float = 0.085  # mean added weekly order intensity of a persuadable for strength 1
    sleeping_dog_factor: float = 0.45  # order intensity of a sleeping dog in a week with a letter
    opened: float = 0.34  # of letters sent
    clicked: float = 0.16  # of those opened
    unsubscribe: float = 0.002  # per letter
    unsubscribe_in_trouble: float = 0.03  # per letter in the middle of a problem
    quiet_withdrawal: float = 0.0006  # of the e-mail grant, without any letter
    # What they say
    feedback: float = 0.16  # per order, ordinary experience
    tablet: float = 0.5  # per store order
    case_feedback: float = 0.35  # after a case is resolved
    called: float = 0.95  # share of bad answers about a case after which the service desk calls
    call_days: float = 6.0  # mean days until then, beyond one
    # Browsing
    browse: float = 0.11  # sessions without an order
    research: float = 0.3  # orders with a session on the same goods some days before
    visitors: float = 0.3  # never-known visitors per customer, over the whole time
    # How it reaches the log
    store_lag_hours: float = 9.0  # mean until a store's events are received
    late_arrival: float = 0.004  # share of events that arrive days late
    duplicates: float = 0.002  # share of rows written twice, exactly
    disordered: float = 0.01  # share of rows out of place in their file


PARAMETERS = Parameters()
