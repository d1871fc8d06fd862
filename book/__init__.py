"""The hedge book: products, contracts, positions, prices, exposure, basis, limits, snapshots."""
