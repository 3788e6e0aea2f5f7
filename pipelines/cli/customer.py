"""The command that tells what is known of one customer."""

from typing import Annotated

import typer

from features.errors import DataError
from pipelines.cli.base import Json, Moment, app, instant, now_utc, tell


@app.command()
def customer(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The shop's id of the customer.")],
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """What is known of a customer, and what the models say of her and why. Writes nothing."""
    from pipelines.show_customer import customer_panel
    from serving.service import DecisionService

    service = DecisionService(context.obj.home())
    answer = service.customer(customer, instant(as_of) or now_utc())
    if answer is None:
        raise DataError(
            f"Nothing is known of customer {customer!r} in {context.obj.root}. Is the id as the shop writes it?"
        )
    tell(context, json_output, answer, customer_panel(answer))
