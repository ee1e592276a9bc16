# no dependency file to compare with
from fastmcp import FastMCP

mcp = FastMCP("weather")
import fastapi
