"""DeepEval's metric of exact match; it leaves the calls to others, here to one AsyncOpenAI."""

import asyncio

from asked import CONCURRENCY, main
from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase
from openai import AsyncOpenAI, OpenAIError


def evaluated(address, texts):
    outputs = asyncio.run(asked(address, texts))
    found = evaluate(
        [
            LLMTestCase(input=text, actual_output=output, expected_output=text)
            for text, output in zip(texts, outputs, strict=True)
            if output is not None
        ],
        [ExactMatchMetric()],
        async_config=AsyncConfig(max_concurrent=CONCURRENCY),
        cache_config=CacheConfig(write_cache=False),  # ten times slower with it
        display_config=DisplayConfig(
            show_indicator=False, print_results=False, inspect_after_run=False
        ),
    )
    return sum(bool(each.success) for each in found.test_results)


async def asked(address, texts):
    turn = asyncio.Semaphore(CONCURRENCY)

    async def ask(client, text):
        async with turn:
            try:
                reply = await client.chat.completions.create(
                    model="stub",
                    messages=[{"role": "user", "content": f"Say {text}"}],
                    max_tokens=5,
                    temperature=0,
                )
            except OpenAIError:
                return None
        return reply.choices[0].message.content

    async with AsyncOpenAI(base_url=address, api_key="none") as client:
        return await asyncio.gather(*(ask(client, text) for text in texts))


main(evaluated)
