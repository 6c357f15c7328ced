"""What is measured of a text that an attack made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """What an attack did to one text.

    similarity: cosine of the sentence before and after, in [-1, 1]; of a pair, the lesser one. None without
        an encoder, and where everything that changed lies beyond what the encoder reads.
    words_changed, words: words inserted, deleted or replaced, and words of the original.
    perplexity, perplexity_before: of the changed text and of the original; None without a language model, and
        for a text in which there is nothing to predict.
    truncated: a text is longer than what a model reads: the numbers are those of its beginning.
    """

    similarity: float | None
    words_changed: int
    words: int
    perplexity: float | None
    perplexity_before: float | None
    truncated: bool = False

    @property
    def share_changed(self) -> float | None:
        """Above 1 where more words were inserted than there were; None where there were none."""
        return self.words_changed / self.words if self.words else None

    @property
    def perplexity_ratio(self) -> float | None:
        """How many times the perplexity of the original that of the changed text is."""
        if self.perplexity is None or self.perplexity_before is None:
            return None
        return self.perplexity / self.perplexity_before
