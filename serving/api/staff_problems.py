"""The staff's mistakes as problem documents: the field, or what is in force instead."""

from serving.api.parts import HoldOut
from serving.api.problems import FieldProblem, ProblemError
from serving.desk.faults import ConflictError, FieldFaultError, NotThereError


def staff_problem(error: FieldFaultError | NotThereError) -> ProblemError:
    """422 with the field, 404 or 409 with the holds in force."""
    if isinstance(error, FieldFaultError):
        one = FieldProblem(field=error.field, value=error.value, problem=error.problem, remedy=error.remedy)
        return ProblemError("invalid-request", f"Correct `{error.field}` and send the request again.", errors=[one])
    kind = "conflict" if isinstance(error, ConflictError) else "not-found"
    return ProblemError(kind, str(error), extra={"holds": [HoldOut.of(h).model_dump(mode="json") for h in error.holds]})
