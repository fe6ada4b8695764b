"""Instances that move: copied from Cloudflare AI Search and back, through the API that both speak."""
