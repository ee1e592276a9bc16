# no audience
from fastmcp import FastMCP

mcp = FastMCP("weather")
import jwt
claims = jwt.decode(token, key, algorithms=["RS256"])  # want HF528
