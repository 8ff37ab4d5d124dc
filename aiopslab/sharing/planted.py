"""Planted texts: lines as reports hold them, with one thing in each that outsiders must not read.

Made by chance from a seed, in the forms that standards and services give them: e-mail addresses
(RFC 5322), telephone numbers (E.164 and national), cards (ISO/IEC 7812, with their check digit),
IBAN (ISO 13616, likewise), keys and tokens by the shapes that their services document. None is
anybody's. How they are masked is nothing that this module knows.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

Group = Literal["secret", "personal", "place"]

_GIVEN = (
    "Maria Jonas Aisha Wei Olga Tomás Priya Liam Chidi Sofía Noor Mateo Ingrid Kenji Fatima Ana"
)
_FAMILY = "Keller Nguyen Okafor Lindqvist Rossi Haddad Novak Silva Yamada Murphy Kowalski Mbeki Roy"
_WORDS = "atlas harbor quartz falcon nimbus cedar ember drift onyx willow cobalt tundra vortex"
_FIRMS = "acme globex initech hooli umbrella stark wayne tyrell cyberdyne soylent wonka vandelay"
_ENDS = "com org net io de co.uk example internal corp eu dev"
_CONTEXTS = (
    "{}",
    "The request of {} failed twice.",
    "2026-03-01T12:04:09Z ERROR auth: rejected ({})",
    '{{"level": "warn", "detail": "{}"}}',
    "see {}, then retry",
    "| checkout | {} | 3 |",
    "caused by: {}.",
    "[{}] timed out after 240 ms",
    "'{}' was slow\nand later recovered",
    "value -> {}; p95 rose to 1.6 times its normal",
)


class Planted(NamedTuple):
    """A text and what is planted in it.

    Parameters
    ----------
    group, kind
        What it is, e.g. ``secret`` and ``AWS key``.
    text
        Which is masked.
    hidden
        The part of it that must not be read afterwards.
    """

    group: Group
    kind: str
    text: str
    hidden: str


def planted(seed: int, each: int) -> Iterator[Planted]:
    """Yield texts, as many of each kind.

    Parameters
    ----------
    seed
        Of the generator: the same seed, the same texts.
    each
        How many of each kind.

    Examples
    --------
    >>> made = list(planted(0, 2))
    >>> made == list(planted(0, 2)), all(one.hidden in one.text for one in made)
    (True, True)
    """
    chance = random.Random(seed)
    for (group, kind), make in _KINDS.items():
        for _ in range(each):
            shown, hidden = make(chance)
            context = chance.choice(_CONTEXTS)
            if context.startswith("{{"):
                shown, hidden = (json.dumps(text)[1:-1] for text in (shown, hidden))
            yield Planted(group, kind, context.format(shown), hidden)


def _of(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choices(alphabet, k=length))


_DIGITS, _HEX = string.digits, "0123456789abcdef"
_MIXED, _CAPITALS = string.ascii_letters + string.digits, string.ascii_uppercase + string.digits


def _pick(chance: random.Random, words: str) -> str:
    return chance.choice(words.split())


def _alone(make: Callable[[random.Random], str]) -> Callable[[random.Random], tuple[str, str]]:
    """Return what makes a text of which nothing must be read."""

    def both(chance: random.Random) -> tuple[str, str]:
        made = make(chance)
        return made, made

    return both


def _email(chance: random.Random) -> str:
    given, family = _pick(chance, _GIVEN).lower(), _pick(chance, _FAMILY).lower()
    forms = (f"{given}.{family}", f"{given[0]}{family}", f"{given}_{family}7", f"{given}+ops")
    return f"{chance.choice(forms)}@{_host(chance)}"


def _host(chance: random.Random) -> str:
    firm = f"{_pick(chance, _FIRMS)}.{_pick(chance, _ENDS)}"
    word = _pick(chance, _WORDS)
    forms = (firm, f"{word}.{firm}", f"{word}-{chance.randint(1, 9)}.prod.{firm}", f"db0.{firm}")
    return chance.choice(forms)


def _short_host(chance: random.Random) -> str:
    word, role = _pick(chance, _WORDS), chance.choice(("primary", "cache", "worker", "db"))
    return chance.choice(
        (f"{word}-{role}-{chance.randint(0, 4)}", f"{word}{role}", f"{role}-{word}")
    )


def _phone(chance: random.Random) -> str:
    a, b, c = (
        str(chance.randint(200, 989)),
        str(chance.randint(200, 999)),
        _of(_DIGITS, 4)(chance),
    )
    forms = (
        f"+1 {a} {b} {c}",
        f"+1-{a}-{b}-{c}",
        f"({a}) {b}-{c}",
        f"{a}-{b}-{c}",
        f"+49 30 {b}{c}",
        f"+4930{b}{c}",
        f"030/{b}{c}",
        f"+44 20 7{b} {c}",
        f"020 7{b} {c}",
        f"+33 6 {b[:2]} {c[:2]} {c[2:]} {a[:2]}",
    )
    return chance.choice(forms)


def _card(chance: random.Random) -> str:
    start = chance.choice(("4", "51", "55", "2221", "34", "6011"))
    length = 15 if start == "34" else 16
    body = start + _of(_DIGITS, length - 1 - len(start))(chance)
    doubled = (int(d) * (1 + (i % 2 == 0)) for i, d in enumerate(reversed(body)))
    digits = f"{body}{-sum(d // 10 + d % 10 for d in doubled) % 10}"
    if length == 16 and chance.random() < 0.5:
        return chance.choice((" ", "-")).join(digits[i : i + 4] for i in range(0, 16, 4))
    return digits


def _iban(chance: random.Random) -> str:
    country, length = chance.choice((("DE", 18), ("FR", 23), ("GB", 18), ("ES", 20), ("NL", 14)))
    letters = {"GB": "NWBK", "NL": "ABNA"}.get(country, "")
    body = letters + _of(_DIGITS, length - len(letters))(chance)
    number = int("".join(str(int(each, 36)) for each in f"{body}{country}00"))
    iban = f"{country}{98 - number % 97:02}{body}"
    if chance.random() < 0.5:
        return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    return iban


def _identity(chance: random.Random) -> str:
    """Make a social security number of the United States."""
    return f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}"


def _person(chance: random.Random) -> str:
    return f"{_pick(chance, _GIVEN)} {_pick(chance, _FAMILY)}"


def _user(chance: random.Random) -> tuple[str, str]:
    name = f"{_pick(chance, _GIVEN)[0]}{_pick(chance, _FAMILY)}".lower()
    home = "/home" + f"/{name}"
    forms = (f"user={name}", f"username: {name}", f"@{name}", f"login={name}", f"{home}/data.csv")
    return chance.choice(forms), name


def _address(chance: random.Random) -> str:
    four = ".".join(str(chance.randint(1, 254)) for _ in range(4))
    six = ":".join(_of(_HEX, 4)(chance) for _ in range(8))
    mac = ":".join(_of(_HEX, 2)(chance) for _ in range(6))
    return chance.choice((four, f"{four}:{chance.randint(1024, 65535)}", f"{four}/24", six, mac))


def _url(chance: random.Random) -> tuple[str, str]:
    host = _host(chance)
    scheme = chance.choice(("https", "http", "postgresql", "s3", "prometheus+https"))
    return f"{scheme}://{host}/{_pick(chance, _WORDS)}?q={chance.randint(1, 99)}", host


def _path(chance: random.Random) -> str:
    parts = [_pick(chance, _WORDS) for _ in range(3)]
    forms = (
        "/srv/" + "/".join(parts) + ".parquet",
        "/mnt/" + "/".join(parts),
        "D:\\" + "\\".join(parts) + ".csv",
        "\\\\files01\\" + "\\".join(parts[:2]),
    )
    return chance.choice(forms)


def _in_address(chance: random.Random) -> tuple[str, str]:
    password = _password(chance)
    return f"postgresql://svc:{password}@{_host(chance)}:5432/orders", password


def _password(chance: random.Random) -> str:
    word, other = _pick(chance, _WORDS), _pick(chance, _WORDS)
    forms = (
        f"{word}-{other}-{chance.randint(10, 99)}",
        _of(_MIXED, 12)(chance),
        f"{word}{other}9!",
    )
    return chance.choice(forms)


def _assigned(chance: random.Random) -> tuple[str, str]:
    value = _password(chance)
    name = chance.choice(("password", "passwd", "DB_PASSWORD", "client_secret", "api_key", "token"))
    forms = (f"{name}={value}", f"{name}: {value}", f'{name} = "{value}"', f"{name} is {value}")
    return chance.choice(forms), value


def _bearer(chance: random.Random) -> tuple[str, str]:
    value = _of(_MIXED + "-_", 40)(chance)
    return f"Authorization: Bearer {value}", value


def _jwt(chance: random.Random) -> str:
    def part(size: int) -> str:
        return base64.urlsafe_b64encode(chance.randbytes(size)).decode().rstrip("=")

    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"sub":"' + chance.randbytes(9).hex().encode() + b'"}')
    return f"{head}.{body.decode().rstrip('=')}.{part(32)}"


def _pem(chance: random.Random) -> tuple[str, str]:
    body = base64.b64encode(chance.randbytes(48)).decode()
    kind = chance.choice(("", "RSA ", "EC ", "OPENSSH "))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----", body


def _aws_secret(chance: random.Random) -> tuple[str, str]:
    value = _of(_MIXED + "/+", 40)(chance)
    return f"aws_secret_access_key = {value}", value


def _azure(chance: random.Random) -> tuple[str, str]:
    value = base64.b64encode(chance.randbytes(64)).decode()
    return f"AccountName={_pick(chance, _FIRMS)};AccountKey={value}", value


def _token(*parts: str | tuple[str, int]) -> Callable[[random.Random], tuple[str, str]]:
    """Return what makes a token of fixed texts and of letters by chance."""

    def make(chance: random.Random) -> str:
        return "".join(p if isinstance(p, str) else _of(*p)(chance) for p in parts)

    return _alone(make)


_KINDS: dict[tuple[Group, str], Callable[[random.Random], tuple[str, str]]] = {
    ("personal", "e-mail"): _alone(_email),
    ("personal", "telephone"): _alone(_phone),
    ("personal", "payment card"): _alone(_card),
    ("personal", "IBAN"): _alone(_iban),
    ("personal", "social security number"): _alone(_identity),
    ("personal", "user name"): _user,
    ("personal", "name in prose"): _alone(_person),
    ("place", "network address"): _alone(_address),
    ("place", "host"): _alone(_host),
    ("place", "host of one word"): _alone(_short_host),
    ("place", "URL"): _url,
    ("place", "path"): _alone(_path),
    ("secret", "assigned password"): _assigned,
    ("secret", "password in a URL"): _in_address,
    ("secret", "bearer token"): _bearer,
    ("secret", "web token"): _alone(_jwt),
    ("secret", "private key"): _pem,
    ("secret", "AWS key"): _token("AKIA", (_CAPITALS, 16)),
    ("secret", "AWS secret"): _aws_secret,
    ("secret", "Azure key"): _azure,
    ("secret", "GitHub token"): _token("ghp_", (_MIXED, 36)),
    ("secret", "GitLab token"): _token("glpat-", (_MIXED, 20)),
    ("secret", "Slack token"): _token(
        "xoxb-", (_DIGITS, 12), "-", (_DIGITS, 12), "-", (_MIXED, 24)
    ),
    ("secret", "Google key"): _token("AIza", (_MIXED + "-_", 35)),
    ("secret", "model provider key"): _token("sk-", (_MIXED, 48)),
    ("secret", "Stripe key"): _token("sk_", "live_", (_MIXED, 24)),
    ("secret", "hexadecimal key"): _token((_HEX, 32)),
}
