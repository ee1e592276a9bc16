"""Weather, as a script."""

import os

from fastmcp import FastMCP

mcp = FastMCP("weather")


@mcp.tool
def forecast(city: str) -> dict:
    """Forecast the weather of a city."""
    return {"city": city, "high": 4.5}


if __name__ == "__main__":
    # mcp.run()  was stdio once
    mcp.run(
        transport="http",
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "8080")),
    )
