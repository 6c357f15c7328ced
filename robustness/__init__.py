"""The harness: data, classifier, training, and the judge that re-queries what attacks propose."""
