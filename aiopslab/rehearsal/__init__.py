"""A small real system to practise on: eight services, real load, faults injected on purpose.

An enterprise knowledge assistant runs as eight processes that talk HTTP on loopback. A rehearsal
starts it, sends it questions, breaks one service in one way, scrapes and records everything, and
writes down what was broken, so that an investigation can be checked against the truth.
"""
