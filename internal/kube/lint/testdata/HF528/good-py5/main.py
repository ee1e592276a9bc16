# checked by the library
from fastmcp import FastMCP

mcp = FastMCP("weather")
import jwt
claims = jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCE)
