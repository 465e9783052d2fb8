"""What all models share: protocols, kinds by name, where weights come from, how networks compute."""
