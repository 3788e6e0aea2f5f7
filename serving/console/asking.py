"""What is asked of the parts behind the console: each answer in time, and mistakes told to who made them."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from features.errors import DataError
from serving.api.execution import Deadline
from serving.api.problems import ProblemError
from serving.api.wiring import Wiring
from serving.campaigns.life import NotNowError, OvertakenError
from serving.campaigns.money import currency_of
from serving.desk.faults import ConflictError, FieldFaultError, NotThereError, NotYetError
from serving.said import said

NO_ANSWER = {
    "deadline": said("it took too long"),
    "overloaded": said("too many wait already"),
    "failure": said("something failed here, and the server's log says what"),
}
"""Why there was no answer in time, by the code of `serving.api.execution`."""

P = ParamSpec("P")
T = TypeVar("T")


async def answered(pool: Deadline, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's result; what cannot be done, and no answer in time, as a problem."""
    try:
        found = await pool.run(call, *args, **kwargs)
    except FieldFaultError as error:
        raise ProblemError("invalid-request", _told(error)) from error
    except (ConflictError, OvertakenError, NotNowError) as error:
        raise ProblemError("conflict", _told(error)) from error
    except NotThereError as error:
        raise ProblemError("not-found", _told(error)) from error
    except NotYetError as error:
        raise ProblemError("unavailable", _told(error)) from error
    except DataError as error:
        raise ProblemError("invalid-request", _told(error)) from error
    if isinstance(found, str) and found in NO_ANSWER:
        raise ProblemError("unavailable", said("There is no answer: %(why)s. Try again shortly.", why=NO_ANSWER[found]))
    return found  # type: ignore[return-value]


def currency(app: Wiring) -> str | None:
    """The money of the shop, where it is one."""
    return currency_of(app.service.records.connection())


def _told(error: Exception) -> str:
    """What an error says, in words that may be said in another language too."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
