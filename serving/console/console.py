"""The console, put together: its parts, each with the addresses of one kind of page."""

from serving.console import (
    campaign_pages,
    customer_pages,
    entry,
    journey_pages,
    list_pages,
    model_pages,
    people_pages,
    today,
    unhappy_pages,
)

PARTS = tuple(
    part.router
    for part in (
        entry,
        today,
        campaign_pages,
        list_pages,
        unhappy_pages,
        customer_pages,
        journey_pages,
        model_pages,
        people_pages,
    )
)
