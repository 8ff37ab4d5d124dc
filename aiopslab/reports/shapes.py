"""Shapes of secrets that nobody named: keys and tokens of well-known services.

The regular expressions are those of detect-secrets (https://github.com/Yelp/detect-secrets). They
are asked only near a text that each match must hold, since all of them over a whole page take
longer than to make it. Left out are the detectors of high entropy and of telling names: the one
takes every digest and picture of a report for a secret, the other every ``token = …`` of its code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

BEFORE, AFTER = 40, 2_000  # characters around the text that gives a secret away


@dataclass(frozen=True)
class Shape:
    """What a kind of secret looks like.

    Parameters
    ----------
    label
        What stands for it.
    signs
        Texts of which each match holds one.
    hint
        What stands at the sign where there may be a secret; looked for from `before` characters
        ahead of it.
    detector
        Module and class of detect-secrets which decides; without one the hint does.
    before
        How far ahead of its sign a secret may begin.
    frame
        What stands around it, where it may be as short as to occur elsewhere.
    """

    label: str
    signs: tuple[str, ...]
    hint: re.Pattern[str]
    detector: str = ""
    before: int = 0
    frame: tuple[str, str] = ("", "")

    def is_hinted(self, text: str) -> bool:
        """Tell whether a text may hold one, also where it is JSON."""
        for sign in self.signs:
            at = text.find(sign)
            while at >= 0:
                if self._at(text, at):
                    return True
                at = text.find(sign, at + len(sign))
        return False

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where such a secret begins and ends."""
        for sign in self.signs:
            at = text.find(sign)
            while at >= 0:
                end = at + len(sign)
                if found := self._at(text, at):
                    yield from self._decided(text, *found.span())
                    end = max(end, found.end())
                at = text.find(sign, end)

    def _at(self, text: str, at: int) -> re.Match[str] | None:
        if not self.before:
            return self.hint.match(text, at)
        return self.hint.search(text, max(0, at - self.before), at + AFTER)

    def _decided(self, text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
        if not self.detector:
            yield first, last
            return
        begin = max(0, first - BEFORE)
        window = text[begin : last + BEFORE]
        left, right = self.frame
        for secret in _detector(self.detector).analyze_string(window):
            framed = f"{left}{secret}{right}"
            at = window.find(framed)
            while at >= 0:
                start = begin + at + len(left)
                yield start, start + len(secret)
                at = window.find(framed, at + len(framed))


@cache
def _detector(name: str) -> Any:
    module, _, detector = name.partition(":")
    return getattr(import_module(f"detect_secrets.plugins.{module}"), detector)()


def _shape(
    label: str, signs: str, hint: str, detector: str = "", before: int = 0, **more: Any
) -> Shape:
    return Shape(label, tuple(signs.split()), re.compile(hint), detector, before, **more)


_ASSIGNED = (
    r"(?i:aws).{0,20}?(?i:key|pwd|pw|password|pass|token).{0,20}?['\"][0-9a-zA-Z/+]{40}\\?['\"]"
)
_PEM = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]{0,20000}-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|(?:[A-Za-z0-9+/=\s]|\\[nr])*)"
)

SHAPES = (
    _shape("AWS key", "AKIA ASIA ABIA ACCA A3T", r"[A-Z0-9]{20}", "aws:AWSKeyDetector"),
    _shape("AWS key", "aws AWS Aws", _ASSIGNED, "aws:AWSKeyDetector"),
    _shape("private key", "-----BEGIN", _PEM),
    _shape("private key", "PuTTY-User-Key-File", r"PuTTY-User-Key-File-\d[\s\S]{0,20000}"),
    _shape("web token", "eyJ", r"eyJ[\w=-]{8,}\.[\w=-]{8,}(?:\.[\w.+/=-]*)?"),
    _shape("Slack token", "xox", r"xox[abposr]-\d", "slack:SlackDetector"),
    _shape("Slack token", "hooks.slack", r"hooks\.slack\.com/services/T[\w/]+"),
    _shape(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_",
        r"gh[pousr]_\w{36}",
        "github_token:GitHubTokenDetector",
    ),
    _shape("GitHub token", "github_pat_", r"github_pat_\w{22,}"),
    _shape(
        "GitLab token",
        "glpat- gldt- glft- glsoat- glrt- GR1348941 glcbt- glimt- glptt- glagent- gloas-",
        r"[\w-]{24,}",
        "gitlab_token:GitLabTokenDetector",
    ),
    _shape("OpenAI token", "T3BlbkFJ", r"sk-[\w-]*T3BlbkFJ\w{20}", "openai:OpenAIDetector", 200),
    _shape(
        "Azure key",
        "AccountKey=",
        r"AccountKey=[\w+/=]{88}",
        "azure_storage_key:AzureStorageKeyDetector",
    ),
    _shape("Stripe key", "sk_live_ rk_live_", r"[rs]k_live_\w{24}", "stripe:StripeDetector"),
    _shape("Square secret", "sq0csp-", r"sq0csp-[\w\\-]{43}", "square_oauth:SquareOAuthDetector"),
    _shape("SendGrid key", "SG.", r"SG\.[\w-]{22}\.[\w-]{43}", "sendgrid:SendGridDetector"),
    _shape("PyPI token", "pypi-AgE", r"pypi-AgE[\w-]{80,}", "pypi_token:PypiTokenDetector"),
    _shape("npm token", ":_authToken=", r":_authToken=\s*\S{10,}"),
    _shape("Mailchimp key", "-us", r"[0-9a-z]{32}-us\d", "mailchimp:MailchimpDetector", 32),
    _shape(
        "Twilio key", "AC SK", r"(?:AC|SK)[a-z0-9]{32}(?![A-Za-z0-9])", "twilio:TwilioKeyDetector"
    ),
    _shape(
        "Telegram token",
        ":AA",
        r"\d{8,10}:AA[\w-]{33}",
        "telegram_token:TelegramBotTokenDetector",
        10,
    ),
    _shape("Artifactory token", "AKC", r"AKC[a-zA-Z0-9]{10,}", "artifactory:ArtifactoryDetector"),
    _shape(
        "password in an address",
        "://",
        r"://[^\s:/?#@\"'<>]*:[^\s/?#@\"'<>]+@",
        "basic_auth:BasicAuthDetector",
        frame=(":", "@"),
    ),
    _shape("bearer token", "earer", r"(?<=[Bb])earer\s+(?=\S*\d)[\w.~+/=-]{20,}"),
)
