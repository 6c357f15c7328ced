"""The recipes of TextAttack as attacks of ours: the same searches, run over many examples at once."""
