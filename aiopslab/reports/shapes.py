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

AROUND = 40  # characters that a detector sees around what it is asked about


@dataclass(frozen=True)
class Shape:
    """What a kind of secret looks like.

    Parameters
    ----------
    label
        What stands for it.
    hint
        Found where there may be one. It begins with plain letters, by which `re` searches a page
        as fast as for a text.
    detector
        Module and class of detect-secrets which decides; without one the hint does.
    before
        How far ahead of the hint a secret may begin.
    group
        Of the detector's regular expression, where not all that it matches is secret.
    """

    label: str
    hint: re.Pattern[str]
    detector: str = ""
    before: int = 0
    group: int = 0

    def is_hinted(self, text: str) -> bool:
        """Tell whether a text may hold one, also where it is JSON."""
        return self.hint.search(text) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where such a secret begins and ends."""
        for found in self.hint.finditer(text):
            if self.detector:
                yield from self._decided(text, *found.span())
            else:
                yield found.span()

    def _decided(self, text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
        begin, end = max(0, first - self.before - AROUND), last + AROUND
        for pattern in _patterns(self.detector):
            for found in pattern.finditer(text, begin, end):
                if found.end() > first and found.re.groups >= self.group:
                    yield found.span(self.group)


@cache
def _patterns(name: str) -> tuple[re.Pattern[str], ...]:
    module, _, detector = name.partition(":")
    found: Any = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)
    return tuple(found.denylist)


def _shape(label: str, hint: str, detector: str = "", before: int = 0, **more: Any) -> Shape:
    return Shape(label, re.compile(hint), detector, before, **more)


_ASSIGNED = r".{0,20}?(?i:key|pwd|pw|password|pass|token).{0,20}?['\"][0-9a-zA-Z/+]{40}\\?['\"]"
_PEM = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{16,})*)"
)
_GITLAB = r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[\w-]{20,}"

SHAPES = (
    _shape("AWS key", r"A(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[0-9A-Z]{16}", "aws:AWSKeyDetector"),
    _shape("AWS key", "aws" + _ASSIGNED, "aws:AWSKeyDetector", group=1),
    _shape("AWS key", "AWS" + _ASSIGNED, "aws:AWSKeyDetector", group=1),
    _shape("private key", _PEM),
    _shape("private key", r"PuTTY-User-Key-File-\d[\s\S]{0,20000}"),
    _shape("web token", r"eyJ[\w=-]{8,}\.[\w=-]{8,}(?:\.[\w.+/=-]*)?"),
    _shape("Slack token", r"xox[abposr]-\d[\w-]+", "slack:SlackDetector"),
    _shape("Slack address", r"hooks\.slack\.com/services/T[\w/]+"),
    _shape("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36}", "github_token:GitHubTokenDetector"),
    _shape("GitHub token", r"github_pat_\w{22,}"),
    _shape("GitLab token", _GITLAB, "gitlab_token:GitLabTokenDetector"),
    _shape("GitLab token", r"GR1348941[\w-]{20,}", "gitlab_token:GitLabTokenDetector"),
    _shape("OpenAI token", r"T3BlbkFJ\w{20}", "openai:OpenAIDetector", 200),
    _shape("Azure key", r"AccountKey=[\w+/=]{88}", "azure_storage_key:AzureStorageKeyDetector"),
    _shape("Stripe key", r"k_live_[0-9a-zA-Z]{24}", "stripe:StripeDetector"),
    _shape("Square secret", r"sq0csp-[\w\\-]{43}", "square_oauth:SquareOAuthDetector"),
    _shape("SendGrid key", r"SG\.[\w-]{22}\.[\w-]{43}", "sendgrid:SendGridDetector"),
    _shape("PyPI token", r"pypi-AgE[\w-]{80,}", "pypi_token:PypiTokenDetector"),
    _shape("npm token", r":_authToken=\s*[\w-]{10,}"),
    _shape("Mailchimp key", r"-us\d{1,2}", "mailchimp:MailchimpDetector"),
    _shape("Twilio key", r"AC[a-z0-9]{32}(?![A-Za-z0-9])", "twilio:TwilioKeyDetector"),
    _shape("Twilio key", r"SK[a-z0-9]{32}(?![A-Za-z0-9])", "twilio:TwilioKeyDetector"),
    _shape("Telegram token", r":AA[\w-]{33}", "telegram_token:TelegramBotTokenDetector"),
    _shape("Artifactory token", r"AKC[a-zA-Z0-9]{10,}", "artifactory:ArtifactoryDetector"),
    _shape(
        "password in an address",
        r"://[^\s:/?#@\"'<>]*:[^\s/?#@\"'<>]+@",
        "basic_auth:BasicAuthDetector",
        group=1,
    ),
    _shape("bearer token", r"earer\s+(?=[^\s\d]*\d)[\w.~+/=-]{20,}"),
)
