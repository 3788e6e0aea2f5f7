"""The staff's mistakes as problem documents: the field, or what is in force instead."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from serving.api.execution import Deadline
from serving.api.parts import HoldOut
from serving.api.problems import FieldProblem, ProblemError
from serving.desk.faults import ConflictError, FieldFaultError, NotThereError, NotYetError

P = ParamSpec("P")
T = TypeVar("T")


async def answered(pool: Deadline, late: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's result; a mistake of the asker's, or no answer in time (`late` says what to do), as a problem."""
    try:
        found = await pool.run(call, *args, **kwargs)
    except (FieldFaultError, NotThereError) as error:
        raise staff_problem(error) from error
    except NotYetError as error:
        raise ProblemError("unavailable", str(error)) from error
    if isinstance(found, str):
        raise ProblemError("unavailable", f"There is no answer ({found}). {late}")
    return found


def staff_problem(error: FieldFaultError | NotThereError) -> ProblemError:
    """422 with the field, 404 or 409 with the holds in force."""
    if isinstance(error, FieldFaultError):
        one = FieldProblem(field=error.field, value=error.value, problem=error.problem, remedy=error.remedy)
        return ProblemError("invalid-request", f"Correct `{error.field}` and send the request again.", errors=[one])
    kind = "conflict" if isinstance(error, ConflictError) else "not-found"
    return ProblemError(kind, str(error), extra={"holds": [HoldOut.of(h).model_dump(mode="json") for h in error.holds]})
