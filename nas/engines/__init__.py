"""How candidates are run: `run.run_candidates` on one of the engines that `registry` knows."""
