"""Ragas' experiment with its metric of exact match; the calls are those of one AsyncOpenAI."""

import asyncio

from asked import CONCURRENCY, main
from openai import AsyncOpenAI
from ragas import Dataset, experiment
from ragas.metrics.collections import ExactMatch


def evaluated(address, texts):
    return asyncio.run(experimented(address, texts))


async def experimented(address, texts):
    table = Dataset("texts", "local/csv", data=[{"text": text} for text in texts], root_dir=".")
    turn, metric = asyncio.Semaphore(CONCURRENCY), ExactMatch()
    async with AsyncOpenAI(base_url=address, api_key="none") as client:

        @experiment()
        async def said(row):
            async with turn:
                reply = await client.chat.completions.create(
                    model="stub",
                    messages=[{"role": "user", "content": f"Say {row['text']}"}],
                    max_tokens=5,
                    temperature=0,
                )
            output = reply.choices[0].message.content
            score = await metric.ascore(reference=row["text"], response=output)
            return {**row, "output": output, "right": score.value}

        found = await said.arun(table)
    return sum(row["right"] == 1 for row in found)


main(evaluated)
