"""A weather server, as one writes it on the first day: a FastMCP script."""

from fastmcp import FastMCP
from pydantic import BaseModel

mcp = FastMCP("weather", instructions="Forecasts for a few cities, made up.")


class Day(BaseModel):
    date: str
    high: float
    low: float


class Forecast(BaseModel):
    city: str
    days: list[Day]


FORECASTS = {
    "Oslo": Forecast(city="Oslo", days=[Day(date="2026-11-23", high=1.5, low=-4.0)]),
    "Lisbon": Forecast(city="Lisbon", days=[Day(date="2026-11-23", high=17.0, low=11.5)]),
}


@mcp.tool
def cities() -> list[str]:
    """List the cities that have a forecast."""
    return sorted(FORECASTS)


@mcp.tool
def forecast(city: str) -> Forecast:
    """Forecast the weather of a city."""
    if city not in FORECASTS:
        raise ValueError(f"no forecast for {city}: choose one of {', '.join(sorted(FORECASTS))}")
    return FORECASTS[city]


if __name__ == "__main__":
    mcp.run(transport="http", port=8000, stateless_http=True)
