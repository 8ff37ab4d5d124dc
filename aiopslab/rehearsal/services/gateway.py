"""The way in: checks who asks, looks in the cache, and has the others find and write an answer.

Where the language model takes too long, a hosted one is asked instead.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal.services import hosted
from aiopslab.rehearsal.services.app import DownstreamError, Service, TooSlowError

_DOCUMENTS = 4
_LLM_TIMEOUT_S = 1.5


async def _completion(service: Service, question: str, context: str) -> dict[str, Any]:
    """Have the model answer, and the hosted one where it takes too long."""
    messages = [{"role": "system", "content": context}, {"role": "user", "content": question}]
    body = {"model": "extract-1", "messages": messages}
    try:
        answer: dict[str, Any] = await service.call(
            "llm", "POST", "/v1/chat/completions", body, timeout_s=_LLM_TIMEOUT_S
        )
    except TooSlowError as error:
        service.log.warning("falling back to %s: %s", hosted.WEIGHTS.name, error)
        return await hosted.complete(service, question, context)
    return answer


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    log = (service.settings.folder / "calls.jsonl").open("a", buffering=1, encoding="utf-8")
    metrics = service.metrics
    cached = metrics.counter("app_answers_cached", "Answers that came from the cache.")
    answered = metrics.counter("app_answers", "Answers.")
    ratings = metrics.counter("app_ratings", "Answers that a reader rated.")
    helpful = metrics.counter("app_ratings_helpful", "Answers that a reader rated helpful.")

    async def optional(callee: str, method: str, path: str, body: Any = None) -> Any:
        """Call what an answer can do without; its failure is logged, and is ``None``."""
        try:
            return await service.call(callee, method, path, body)
        except DownstreamError as error:
            service.log.warning("going on without %s: %s", callee, error)
            return None

    async def generate(question: str, found: list[dict[str, Any]]) -> dict[str, Any]:
        context = "\n".join(each["text"] for each in found)
        started = time.perf_counter()
        completion = await _completion(service, question, context)
        usage = completion["usage"]
        answer: str = completion["choices"][0]["message"]["content"]
        call = {
            "id": trace.format_trace_id(trace.get_current_span().get_span_context().trace_id),
            "timestamp": time.time(),
            "prompt_version": completion["system_fingerprint"],
            "model": completion["model"],
            "input": question,
            "output": answer,
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "latency_ms": (time.perf_counter() - started) * 1000,
            "cost_usd": usage["cost_usd"],
            "retrieved_ids": [each["id"] for each in found],
        }
        log.write(json.dumps(call) + "\n")
        return {"id": call["id"], "answer": answer, "sources": call["retrieved_ids"]}

    async def ask(request: Request) -> Response:
        body = await request.json()
        question = body["question"]
        user = await service.call("auth", "POST", "/verify", {"token": body["token"]})
        if "error" in user:
            return JSONResponse(user, status_code=401)
        key = hashlib.sha256(question.encode()).hexdigest()[:16]
        entry = await optional("cache", "GET", f"/entries/{key}")
        if entry is not None:
            cached.inc()
            answered.inc()
            return JSONResponse(entry)
        route = await optional("classifier", "POST", "/classify", {"question": question})
        topic = route["topic"] if route and route["sure"] else None
        found = await service.call(
            "retriever",
            "POST",
            "/search",
            {"question": question, "topic": topic, "count": _DOCUMENTS},
        )
        answer = await generate(question, found)
        await optional("cache", "PUT", f"/entries/{key}", answer)
        record = {"id": answer["id"], "user": user["id"], "question": question}
        await optional("database", "POST", "/interactions", record | {"answer": answer["answer"]})
        answered.inc()
        service.log.info("answered from %d documents on %s", len(found), topic or "any topic")
        return JSONResponse(answer)

    async def login(request: Request) -> Response:
        opened = await service.call("auth", "POST", "/login", await request.json())
        return JSONResponse(opened, status_code=401 if "error" in opened else 200)

    async def revise(request: Request) -> Response:
        path = f"/documents/{request.path_params['id']}"
        return JSONResponse(await service.call("database", "PUT", path, await request.json()))

    async def rate(request: Request) -> Response:
        body = await request.json()
        ratings.inc()
        helpful.inc(body["rating"])
        return JSONResponse(await service.call("database", "POST", "/ratings", body))

    return [
        Route("/ask", ask, methods=["POST"]),
        Route("/sessions", login, methods=["POST"]),
        Route("/documents/{id}", revise, methods=["PUT"]),
        Route("/ratings", rate, methods=["POST"]),
    ]
