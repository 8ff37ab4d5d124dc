"""A hosted model outside of the system, to fall back to: dear, but never short of a processor.

What it does is worked out by who asks it, and its answer is waited for as over a network.
"""

import asyncio
from typing import Any

from opentelemetry.trace import SpanKind

from aiopslab.rehearsal.services.app import Service
from aiopslab.rehearsal.services.llm import Prompt, Weights, extract, tokens

WEIGHTS = Weights("hosted-1", 5e-6, 15e-6)

_PROMPT = Prompt("fallback-v1", "Answer from the context, in full sentences, and cite it.", 2)
_FIRST_TOKEN_S, _TOKEN_S = 0.25, 0.004


async def complete(service: Service, question: str, context: str) -> dict[str, Any]:
    """Return what a chat completion returns, as far as it is read here.

    Parameters
    ----------
    service
        Who asks.
    question, context
        What is to be answered, and from what.
    """
    answer = extract(question, context, _PROMPT.sentences)
    read = sum(len(tokens(each)) for each in (_PROMPT.text, question, context))
    written = len(tokens(answer))
    operation = "hosted POST /v1/chat/completions"
    with service.tracer.start_as_current_span(operation, kind=SpanKind.CLIENT):
        await asyncio.sleep(_FIRST_TOKEN_S + written * _TOKEN_S)
    return {
        "model": WEIGHTS.name,
        "system_fingerprint": _PROMPT.version,
        "choices": [{"message": {"role": "assistant", "content": answer}}],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "cost_usd": WEIGHTS.cost_usd(read, written),
        },
    }
