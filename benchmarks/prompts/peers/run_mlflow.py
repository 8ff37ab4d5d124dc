"""MLflow's evaluation of generative models, with a scorer of exact match and a SQLite store."""

import mlflow
from asked import main
from mlflow.genai.scorers import scorer
from openai import OpenAI


@scorer
def right(outputs, expectations):
    return outputs == expectations["expected_response"]


def evaluated(address, texts):
    client = OpenAI(base_url=address, api_key="none")

    def said(text):
        reply = client.chat.completions.create(
            model="stub",
            messages=[{"role": "user", "content": f"Say {text}"}],
            max_tokens=5,
            temperature=0,
        )
        return reply.choices[0].message.content

    found = mlflow.genai.evaluate(
        data=[
            {"inputs": {"text": text}, "expectations": {"expected_response": text}}
            for text in texts
        ],
        predict_fn=said,
        scorers=[right],
    )
    return int((found.result_df["right/value"] == True).sum())  # noqa: E712 - of a mixed column


mlflow.set_tracking_uri("sqlite:///runs.db")
main(evaluated)
