"""How injections are searched for, one example at a time: what to ask next, given what was answered.

A search yields the texts that it wants to know about and is sent how far the wanted class leads in each; it
ends when it gives up. Whoever runs it decides when the goal is reached, and may ask for many examples
at once.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from attacks.character.sites import Field
from attacks.victims import TextInput

Search = Generator[list[TextInput], np.ndarray, None]
"""Yields n texts, is sent their leads (n,), float."""

SearchName = Literal["evolution", "greedy", "random"]

RECOMBINATION = 0.7
MUTATION = (0.5, 1.0)


@dataclass(frozen=True)
class Effort:
    """injections: the most in one text. population: texts asked at once. generations: after the first."""

    injections: int
    population: int
    generations: int


def start(name: SearchName, field: Field, effort: Effort, rng: np.random.Generator) -> Search:
    """The search called ``name``; of a text without any site it asks nothing."""
    if not field.sites:
        return _nothing()
    return {"evolution": evolution, "greedy": greedy, "random": random}[name](field, effort, rng)


def evolution(field: Field, effort: Effort, rng: np.random.Generator) -> Search:
    """Differential evolution (Storn and Price 1997), best/1/bin, with the settings that SciPy has by default.

    An individual has two genes in [0, 1) for each injection: which site, the lowest values meaning none, and
    which choice there. The best one is mutated by the difference of two others, times a factor drawn for each
    generation, and crossed with each individual; genes that leave their range are drawn anew.
    """
    shape = (effort.population, effort.injections, 2)
    genes = _latin_hypercube(shape, rng)
    # Individuals with one injection, with two, and so on: where few are enough, few are found.
    unused = np.arange(effort.injections) > np.arange(effort.population)[:, None] % effort.injections
    genes[unused, 0] = 0
    leads = yield [field.text(_decoded(field, one)) for one in genes]
    for _ in range(effort.generations):
        one, other = _two_others(effort.population, rng)
        mutants = genes[leads.argmax()] + rng.uniform(*MUTATION) * (genes[one] - genes[other])
        crossed = rng.random(shape) < RECOMBINATION
        # At least one gene is the mutant's.
        sure = rng.integers(crossed[0].size, size=effort.population)
        crossed.reshape(effort.population, -1)[np.arange(effort.population), sure] = True
        trials = np.where(crossed, mutants, genes)
        trials = np.where((trials < 0) | (trials >= 1), rng.random(shape), trials)
        new = yield [field.text(_decoded(field, trial)) for trial in trials]
        better = new >= leads
        genes[better], leads = trials[better], np.where(better, new, leads)


def greedy(field: Field, effort: Effort, rng: np.random.Generator) -> Search:
    """One injection after another: the best of ``population`` drawn ones, each at a site not used before."""
    made: list[tuple[int, int]] = []
    for _ in range(effort.injections):
        used = {index for index, _ in made}
        open_sites = [index for index in range(len(field.sites)) if index not in used]
        options = [
            (index, choice) for index in open_sites for choice in range(len(field.sites[index][1].choices))
        ]
        if not options:
            return
        drawn = rng.choice(len(options), size=min(effort.population, len(options)), replace=False)
        leads = yield [field.text([*made, options[i]]) for i in drawn]
        made.append(options[drawn[int(leads.argmax())]])


def random(field: Field, effort: Effort, rng: np.random.Generator) -> Search:
    """Injections drawn at random, from one to all that are allowed; what was answered changes nothing."""
    for _ in range(1 + effort.generations):
        genes = rng.random((effort.population, effort.injections, 2))
        counts = rng.integers(1, effort.injections + 1, size=effort.population)
        yield [field.text(_decoded(field, one[:count])) for one, count in zip(genes, counts, strict=True)]


def _nothing() -> Search:
    yield from ()


def _decoded(field: Field, genes: np.ndarray) -> Iterator[tuple[int, int]]:
    """The sites and choices of one individual, from its genes (injections, 2)."""
    sites = field.sites
    # A gene that rounding has brought to its upper end means the last one.
    indices = np.minimum(genes[:, 0] * (len(sites) + 1), len(sites)).astype(int) - 1
    for index, gene in zip(indices.tolist(), genes[:, 1].tolist(), strict=True):
        if index >= 0:
            choices = len(sites[index][1].choices)
            yield index, min(int(gene * choices), choices - 1)


def _latin_hypercube(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Points in [0, 1) whose every coordinate is spread evenly over the first axis."""
    strata = np.broadcast_to(np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
    return (rng.permuted(strata, axis=0) + rng.random(shape)) / shape[0]


def _two_others(population: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each individual two different ones, neither of them itself; (population,) each."""
    order = rng.random((population, population))
    np.fill_diagonal(order, np.inf)
    ranked = order.argsort(axis=1)
    return ranked[:, 0], ranked[:, 1]
