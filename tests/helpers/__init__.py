"""What the tests share: small objects, example results, and stand-ins for a hub, a channel and a cluster."""
