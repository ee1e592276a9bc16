"""A weather server behind Holdfast: it prints nothing and holds no secret."""
import os

from fastmcp import FastMCP

mcp = FastMCP("weather")


@mcp.tool
async def forecast(city: str) -> dict:
    return {"city": city, "key": bool(os.environ["API_KEY"])}


if __name__ == "__main__":
    mcp.run(transport="http", host="127.0.0.1", port=8000)
