// a middleware that nobody mounts
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";

const app = express();
function requireAuth(req, res, next) { // want HF525
  next();
}
app.post("/mcp", handle);
