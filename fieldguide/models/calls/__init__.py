"""Calls of paid or slow models: each asked once, within a budget, its answer kept; sections, prices, estimates."""
