// console.error
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
console.error("server started");
