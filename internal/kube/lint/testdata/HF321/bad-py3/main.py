# a debug print
from fastmcp import FastMCP

mcp = FastMCP("weather")
@mcp.tool
def add(a: int, b: int) -> int:
    print("adding", a, b)  # want HF321
    return a + b

mcp.run(transport="stdio")
