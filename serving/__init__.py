"""What we decide: the pure decision core, bundles, records, and the API and console around them."""
