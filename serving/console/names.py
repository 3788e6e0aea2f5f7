"""What codes are called in the console: English (translated where shown), by the kind of code."""

from serving.console.language import N_

NAMES: dict[str, dict[str, str]] = {
    "channel": {
        "app": N_("app"),
        "email": N_("e-mail"),
        "partner": N_("partner"),
        "phone": N_("phone"),
        "social": N_("social media"),
        "store": N_("store"),
        "web": N_("web shop"),
    },
    "category": {
        "sales": N_("offer"),
        "care": N_("care"),
        "service": N_("service"),
        "data": N_("getting acquainted"),
        "regulation": N_("required by law"),
        "none": N_("nothing"),
    },
    "stage": {
        "considering": N_("considering"),
        "buying": N_("buying"),
        "onboarding": N_("first order on its way or new"),
        "active": N_("active"),
        "lapsing": N_("lapsing"),
        "lapsed": N_("lapsed"),
        "in_recovery": N_("in recovery"),
    },
    "role": {
        "viewer": N_("viewer"),
        "marketer": N_("marketer"),
        "approver": N_("approver"),
        "customer_service": N_("customer service"),
        "data_scientist": N_("data scientist"),
        "admin": N_("admin"),
    },
    "status": {
        "draft": N_("draft"),
        "building": N_("being built"),
        "review": N_("to be reviewed"),
        "approved": N_("approved"),
        "exported": N_("exported"),
        "closed": N_("closed"),
        "by_hand": N_("built by hand"),
    },
    "template": {
        "anything": N_("Whatever is best for each"),
        "win_back": N_("Win back"),
        "second_purchase": N_("Second purchase"),
        "seasonal": N_("Seasonal accessory"),
        "favourites": N_("Favourites reminder"),
        "check_in": N_("Check-in"),
        "call_list": N_("Call list"),
    },
    "template_means": {
        "anything": N_("Everybody gets the message that brings most, or none."),
        "win_back": N_("Those about to leave whose mind a discount is likely to change, and nobody else."),
        "second_purchase": N_("Those with one order behind them, with what goes with it."),
        "seasonal": N_("What their things need in this season: winter tyres for the bicycle, wax for the skis."),
        "favourites": N_("Those who are running out of what they buy again and again."),
        "check_in": N_("Asks those whose trouble was put right whether all is well. No offer."),
        "call_list": N_("Whom a person should call, the gravest first. No offer."),
    },
    "task": {
        "call": N_("to call"),
        "quarantine": N_("a message about her was refused"),
        "bad_resolution": N_("resolved badly"),
        "open_case": N_("open case"),
        "review": N_("past its review"),
        "predicted": N_("predicted"),
    },
    "moment": {
        "order": N_("Order"),
        "delivery": N_("Delivery"),
        "promise_broken": N_("Promise broken"),
        "return": N_("Return"),
        "friction": N_("Trouble"),
        "feedback": N_("Feedback"),
        "case": N_("Case"),
        "contact": N_("Contact"),
    },
    "score": {
        "churn_probability": N_("Chance that she leaves"),
        "dissatisfaction": N_("Chance that she is dissatisfied"),
        "second_purchase": N_("Chance of a second purchase"),
        "expected_value": N_("Expected value"),
    },
    "hold": {
        "open_return": N_("A return is under way"),
        "open_case": N_("A case is open"),
        "open_complaint": N_("A complaint is open"),
        "bad_resolution": N_("A case was resolved badly"),
        "bad_rating": N_("A bad rating"),
        "late_delivery": N_("A late delivery"),
        "friction": N_("Something went wrong"),
        "predicted": N_("Predicted dissatisfaction"),
        "incident": N_("An incident"),
        "staff": N_("Held by a person"),
    },
    "trend": {
        "rising": N_("rising"),
        "falling": N_("falling"),
        "unclear": N_("no clear change"),
        "too_few": N_("too few to tell"),
        "no_history": N_("no earlier time to compare with"),
    },
    "incident": {"open": N_("open"), "closed": N_("closed"), "over": N_("over")},
    "job": {"preview": N_("Preview"), "build": N_("List"), "export": N_("Export")},
    "deed": {
        "made": N_("made the campaign"),
        "changed": N_("changed it"),
        "asked for a list": N_("asked for a list"),
        "built": N_("had the list built"),
        "took off": N_("took a customer off"),
        "put back": N_("put a customer back"),
        "approved": N_("approved the list"),
        "sent back": N_("sent it back"),
        "asked for an export": N_("asked for an export"),
        "exported": N_("exported the list"),
        "closed": N_("closed the campaign"),
        "build failed": N_("the list could not be built"),
        "build stopped": N_("stopped building"),
        "preview failed": N_("the preview could not be made"),
        "preview stopped": N_("stopped the preview"),
        "export failed": N_("the export could not be made"),
        "export stopped": N_("stopped the export"),
    },
}


def name_of(kind: str, code: str | None) -> str:
    """The English name of a code; the code itself, in words, where there is none.

    >>> name_of("channel", "email"), name_of("touchpoint", "store_desk")
    ('e-mail', 'store desk')
    """
    return NAMES.get(kind, {}).get(code or "", (code or "").replace("_", " "))
