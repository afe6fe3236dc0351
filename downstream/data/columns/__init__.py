"""Columns of tables, by what they hold: values, dates, labels, time steps of cases."""
