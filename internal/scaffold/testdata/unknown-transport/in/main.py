import sys

from fastmcp import FastMCP

mcp = FastMCP("weather")

if __name__ == "__main__":
    mcp.run(transport=sys.argv[1])
