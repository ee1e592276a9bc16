"""What both Python peers share: the flags and the forecast."""

import argparse

from pydantic import BaseModel


class Day(BaseModel):
    date: str
    high: float
    low: float


class Forecast(BaseModel):
    city: str
    days: list[Day]


def forecast_for(city: str) -> Forecast:
    """The same forecast for every city, so that a contract stays stable."""
    return Forecast(city=city, days=[Day(date="2026-01-01", high=4.5, low=-1.0)])


def add_arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--transport", choices=["streamable-http", "sse", "stdio"], default="stdio")
    parser.add_argument("--stateless", action="store_true", help="no sessions (streamable-http only)")
    parser.add_argument("--port", type=int, default=0)
    return parser
