"""What people do: in batches, one word at a time, taken back, or complained about."""

import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from tastemate.errors import NotFound
from tastemate.serve import intake
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, declared
from tastemate.serve.replies import reply
from tastemate.serve.schemas import PRINTED, Complaint, Feedback, NewEvent, NewEvents
from tastemate.serve.told import Accepted, ComplaintTaken, FeedbackTaken
from tastemate.types import UNDO, Signal, undo_id

if TYPE_CHECKING:
    from tastemate.serve.service import Service


def router(service: "Service") -> APIRouter:
    """Return the routes of events, feedback and complaints."""
    routes = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(needs("write"))])

    @routes.post("/events", response_model=Accepted)
    def events(asked: NewEvents) -> Response:
        """Keep what happened; on disk when this answers. Each line is judged by itself."""
        good, rejected = intake.signals(service.project, asked.events)
        done = service.record(good)
        return reply(
            {
                "accepted": done.accepted,
                "duplicates": done.duplicates,
                "rejected": rejected[: intake.MOST],
            }
        )

    @routes.post("/feedback", response_model=FeedbackTaken, responses=declared(404))
    def feedback(asked: Feedback) -> Response:
        """Keep one word on one item; its id takes it back."""
        now = time.time()
        event = NewEvent(**asked.model_dump(exclude_unset=True))
        wrong = intake.judged(service.project, event, now)
        if wrong is not None:
            field, reason = wrong
            raise Problem(404 if field == "item_id" else 422, reason, errors=[wrong])
        signal = intake.signal_of(event, now)
        done = service.record([signal])
        return reply({"event_id": signal.id, "accepted": done.accepted, "undo": True})

    @routes.delete(
        "/feedback/{event_id:anyid}", response_model=FeedbackTaken, responses=declared(404)
    )
    def undo(
        event_id: Annotated[str, Path(min_length=1, max_length=256, pattern=PRINTED)],
    ) -> Response:
        """Take that word back, and no other of that user; both stay in the log."""
        kept = service.store.events.get(event_id)
        if kept is None or kept.kind == UNDO:
            raise NotFound(f"There is no feedback {event_id!r}. POST /v1/feedback returns ids.")
        # Never before what it takes back, whatever clock that one was stamped by.
        at = max(int(time.time()), kept.timestamp)
        back = Signal(undo_id(event_id), kept.user, kept.item, UNDO, timestamp=at)
        done = service.record([back])
        return reply({"event_id": back.id, "accepted": done.accepted, "undo": False})

    @routes.post("/complaints", response_model=ComplaintTaken)
    def complaints(asked: Complaint, request: Request) -> Response:
        """Keep what somebody holds against a list or an item, for the operator to read."""
        kept = service.store.complaints.add(
            asked.user_id, asked.recommendation_id, asked.item_id, asked.kind, asked.text
        )
        audit(service.store, request, "complain", str(kept), kind=asked.kind)
        return reply({"complaint_id": str(kept)})

    return routes
