// SIGINT is Ctrl-C, not the kubelet
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";

const app = express();
const server = http.createServer(app);
server.listen({ port: 8000 }); // want HF215
process.on("SIGINT", () => server.close());
