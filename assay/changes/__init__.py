"""How a metric differs between two audits: on the same examples in pairs, else as two samples."""
