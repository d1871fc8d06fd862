"""The decision trail: canonical records, Merkle tree, checkpoints, verify, replay."""
