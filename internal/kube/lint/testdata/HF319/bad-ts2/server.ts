// TypeScript
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js"; // want HF319
const transport = new SSEServerTransport("/messages", res);
