"""Findings for people and programs; rule pages and card pages."""
