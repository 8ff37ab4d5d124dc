"""Lexicon: words that offend, kept as digests so that nobody has to read them.

The list was written for this project from common knowledge and fitted to no data. Each word is the
first twelve hexadecimal digits of its SHA-256, in lower case and without accents; ordinary endings
are taken off before a word is looked up. ``slur`` holds names that demean a group of people,
``insult`` those for a person (among them words that some groups reclaimed for themselves),
``profanity`` the vulgar rest.
"""

import hashlib
from functools import lru_cache
from typing import Literal, get_args

Kind = Literal["slur", "insult", "profanity"]

DIGITS = 12
_DIGESTS: dict[Kind, str] = {
    "slur": """
        0515b9e67e0e 0be9b885f4a3 120f6e5b4ea3 12e6274e4309 158869a97379 16ea09fc78ca
        17bde8b40646 1e02eec4f109 22fc75e65a0e 27a62b68179c 27eb0c4ad707 325c687181b4
        333f76180929 33740da8a87d 3b1e0d7c5dd4 43508b5c03b8 469c0fdb6020 4c58f5d5fe92
        58d5ed002eca 5b3ae48be122 6122fdf4ae14 619bc82e0d20 65961619eae0 6d1833779e38
        70aafb426695 70e4043b678f 73118c3720c1 7f6087552515 85580f904474 886d51e97ad7
        8f5083e3e5c7 94a877e2ce63 94c6d2e10a76 98b52c4b6b7d 9915ba2d8222 a40ccba874d2
        acc96930e3a6 ad6cacf3af98 b3cec2f6ece2 bd331fb1d242 be00f1af522e c1b4ed05397d
        c20363e68688 c3de533e9b7f cc02032349c8 dc675e448132 e742d17ff490 e7b98c6aa5b9
        eef3bd091670 f59e28f8bb64 f64c6fad9c3c f9d0d9b18ae9
    """,
    "insult": """
        0550b85bc85a 06a1d8bf7fc2 08a841e99678 0fcb77e9e007 110c6c5a86fa 1290d04b901d
        130229cd3625 1776e45bf96c 2b3240970c71 32c2aaad55e4 3314b0999a53 341d56384afc
        380c97e6c558 428cc39e867f 44fb31b6469b 48fab7a56479 492ff8487dd0 4ef881a7689b
        566f532d486c 5a9d9dcefb56 6dbe0f85a074 70a4ce3720cc 7d2969e37aa4 819837a1df89
        83b589751859 87d1690e74a1 91df73213684 9ae315a94e42 9dfd0dc6be0c a1bd6522b86a
        ac996ae492f9 b04a8a400635 bcd1642bca16 bdb1cc258d69 bf6fa525f2e1 c2c3b68b4883
        c2d214a484e9 cc8a30ea6fac cd3b6010f4c8 d28eb5f7b4ab d6be0c9fb078 d75a838dc758
        e512a0558344 ed6bf432aec2 f087e5bddd95 f50c51ed2315 fa38a8d3e5b9
    """,
    "profanity": """
        0033728f0fbc 05b71b9303ad 099031ffe215 0c64f3ba82e0 0f28c4960d96 13a465fc6616
        1837bc2c546d 1b8304489575 1ce99fbe332c 2062f8009306 2189c0ed714f 2f5f6ce5ae30
        30a989afc82c 31506a8448a7 4140197ec795 41b4d5e85655 45fb7c3b72b6 594810adcbee
        5bddbdea794b 5cb6ba4a9d88 62325e5ca85e 6556c1a58444 665cb762e3bc 67600d5d45fd
        6ac3c336e409 7776caa449fc 796e43a5a8cd 7bc671151cbf 7c4a5c242b72 7e85c676fd97
        805c0cdff876 80d71140f751 81bd7600035d 83621b34ec59 85fc17f7069a 89133bc00e9b
        8c5c04391361 8fe1e9c2870c 986c99004163 ad505b0be8a4 affc87570066 b690cdbe59f1
        b81d6dc25832 bb61ef40814c be72176c19a9 cbbd0f71af28 d95b1fc78565 db10a7906121
        dc2abe4ed2d8 dd92623b0a4b e9143a29033d f2ca6a8a4998 fa46396d714e
    """,
}
_KINDS: dict[str, Kind] = {
    digest: kind for kind in get_args(Kind) for digest in _DIGESTS[kind].split()
}


@lru_cache(maxsize=65_536)
def kind_of(word: str) -> Kind | None:
    """Return how a word offends; ``None`` where it does not.

    Parameters
    ----------
    word
        In lower case, without accents.

    Examples
    --------
    >>> kind_of("damn"), kind_of("table")
    ('profanity', None)
    """
    return _KINDS.get(hashlib.sha256(word.encode("utf-8", "replace")).hexdigest()[:DIGITS])
