"""The wire: Cloudflare's spelling, nowhere else."""
