"""This house's own providers of measures, for what none of ir-measures' has."""
