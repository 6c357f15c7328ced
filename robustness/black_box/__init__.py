"""Models that only answer: scikit-learn pipelines, Python callables and HTTP endpoints."""
