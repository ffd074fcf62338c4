"""What the tests share: small objects, example results, copies of the workflow, stand-ins for a hub and a cluster."""
