# chosen at start
from fastmcp import FastMCP

mcp = FastMCP("weather")
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--transport", default="http")
args = parser.parse_args()
if args.transport == "sse":
    mcp.run(transport="sse")
