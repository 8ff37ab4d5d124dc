"""Fifty secrets, planted wherever a run can be made to show them: none is in anything it leaves."""

import base64
import json
import os
import secrets as random
import string
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import psutil

from tests.faults.runs import number_in
from tests.notebooks import CONCLUDES, code, prose, template

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))
COUNT = 50
DECLARED = range(40)  # by parameters; the others are variables of the environment alone
PARTS = ("<", "'", '"', "\\", "&", "%", "é", " ", "+", "/")

SHOWN = [
    "print(s[0])",
    "print('a', s[1], 'b', end='')",
    "import sys; print(s[2], file=sys.stderr)",
    "print('\\n'.join(s[3][at:at + 7] for at in range(0, len(s[3]), 7)))",
    "print(s[4][::-1])",
    "import base64; print(base64.b64encode(s[5].encode()).decode())",
    "print(base64.urlsafe_b64encode(b'user:' + s[6].encode()).decode())",
    "print(s[7].encode().hex())",
    "from urllib.parse import *; print(f'https://x/?q={quote(s[8], safe=\"\")}')",
    "print(quote_plus(s[9]), quote(s[9]))",
    "import json; print(json.dumps({'key': s[10]}))",
    "print(json.dumps(json.dumps([s[11]])))",
    "print(repr(s[12]), ascii(s[12]))",
    "s[13]",
    "{'name': s[14], s[14]: 1}",
    "from IPython.display import *; display(HTML(f'<b title=\"{s[15]}\">x</b>'))",
    "import html; display(HTML(html.escape(s[16])))",
    "display(Markdown(f'# {s[17]}'))",
    "display(JSON({'a': [s[18]]}))",
    "display({'image/svg+xml': f'<svg><!-- {s[19].encode().hex()} --></svg>'}, raw=True)",
    "display({'text/plain': 'x'}, metadata={'note': s[20]}, raw=True)",
    "display({'application/x-own': {'deep': [{'deeper': s[21]}]}}, raw=True)",
    "import pandas as pd; display(pd.DataFrame({'key': [s[22]], s[23]: [1]}))",
    "pd.set_option('display.max_colwidth', 24); print(pd.DataFrame({'key': [s[24] * 2]}))",
    "import plotly.graph_objects as go; "
    "go.Figure(go.Bar(x=[s[25]], y=[1], text=[s[26]]), layout={'title': {'text': s[27]}}).show()",
    "import warnings; warnings.warn(s[28])",
    "import logging; logging.warning(s[29])",
    "import os; os.write(1, s[30].encode() + b'\\n')",
    "_ = os.system(f'echo {s[31].encode().hex()}')",
    "import subprocess; subprocess.run(['cat'], input=s[32].encode(), check=True)",
    "import mlflow.entities; print(os.environ['PLANTED_45'])",
    "print({name: value for name, value in os.environ.items() if name.startswith('PLANTED_4')})",
    "import ipywidgets; display(ipywidgets.Text(value=s[33]))",
    "from IPython.display import clear_output; print(s[34]); clear_output(); print('gone')",
    "from aiopslab.findings import *\n"
    "finding = Finding(s[35], 'act', s[36]) if False else None\n"
    "from aiopslab import Verdict, conclude\n"
    "conclude(Verdict('watch', f'Look at {s[37]}.', {s[38]: 1.0}))",
    "def fails(key):\n    raise ValueError(f'cannot log in with {key}')\nfails(s[39])",
]


def planted():
    """Return secrets, each of them with what an encoding changes in it."""
    letters = string.ascii_letters + string.digits
    made = []
    for number in range(COUNT):
        body = "".join(random.choice(letters) for _ in range(24))
        special = PARTS[number % len(PARTS)] if number % 2 else ""
        made.append(body[:9] + special + body[9:])
    return made


def leaks(secret, text):
    """Return the forms of a secret that are in some bytes, made apart from the scan's."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "url": quote(secret, safe="").encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "utf-8 json": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "hex": raw.hex().encode(),
        "backwards": secret[::-1].encode(),
        "base64": base64.b64encode(raw)[:-4],
        "shifted base64": base64.b64encode(b"user:" + raw)[8:-4],
        "first half": raw[:13],
        "second half": raw[-12:],
    }
    squeezed = b"".join(text.replace(b"\\n", b"").split())
    names = [name for name, form in found.items() if form in text]
    return names + ["broken"] * (b"".join(raw.split()) in squeezed)


def test_fifty_planted_secrets_are_in_nothing_that_a_run_leaves(tmp_path):
    values = planted()
    names = [f"PLANTED_{number}_TOKEN" for number in range(COUNT)]
    environment = os.environ | dict(zip(names, values, strict=True))
    environment["PLANTED_45"] = values[45]
    (tmp_path / "file").write_text(values[0])
    marker = tmp_path / "kernel"
    references = [f"file:{tmp_path}/file", *(f"env:{names[number]}" for number in DECLARED[1:])]
    notes = f"# Notes on {values[46]}\n\nThe key is `{values[46]}`."
    made = template(
        tmp_path / f"made-{values[48][:9]}{values[48][-15:]}.ipynb".replace("/", "_"),
        "from aiopslab.reports.secrets import Secret, reveal\ns = [reveal(each) for each in keys]\n"
        f"import os, pathlib\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))",
        *SHOWN[:-2],
        f"literal = '''{values[49]}'''  # in the code itself" if "\\" not in values[49] else "1",
        *SHOWN[-2:],
        CONCLUDES,
        parameters=f"keys: list[Secret] = {references!r}\nnote: str = ''  # {values[47]}",
    )
    notebook = json.loads(made.read_text())
    notebook["cells"].insert(2, prose(notes))
    notebook["cells"].insert(1, code("from aiopslab.reports.secrets import Secret"))
    notebook["metadata"]["authors"] = [{"name": values[44]}]
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell{number}"
    made.write_text(json.dumps(notebook))
    environment["MLFLOW_TRACKING_URI"] = ""
    command = [AIOPSLAB, "run", str(made), "-p", "note=" + values[43], "-o", str(tmp_path / "out")]
    runner = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    seen = []

    def look():
        kernel = psutil.Process(number_in(marker))
        seen.extend(" ".join(each.cmdline()) for each in [kernel, *kernel.children()])

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    out, err = runner.communicate(timeout=300)
    assert runner.returncode == 1, (out, err)
    watcher.join(5)
    assert seen
    files = [each for each in (tmp_path / "out").rglob("*") if each.is_file()]
    texts = {str(each.relative_to(tmp_path / "out")): each.read_bytes() for each in files}
    texts |= {"out": out, "err": err, "process list": "\n".join(seen).encode()}
    texts["file names"] = "\n".join(str(each) for each in (tmp_path / "out").rglob("*")).encode()
    found = [
        (number, place, forms)
        for number, secret in enumerate(values)
        for place, text in texts.items()
        if (forms := leaks(secret, text))
    ]
    assert not found
    (record,) = (json.loads(each.read_text()) for each in (tmp_path / "out").glob("*/run.json"))
    assert record["failure"]["name"] == "ValueError"
    assert any(name.endswith("mlflow.db") for name in texts), list(texts)
    assert sum(record["redacted"].values()) >= 50
    assert "The value of " in record["notes"][0] and "renew the secret" in record["notes"][0]
