"""What the tests share: small objects, example results, stand-ins for a hub and a cluster."""
