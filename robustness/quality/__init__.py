"""How good the texts are with which an attack succeeded: near in meaning, few words changed, fluent."""
