// The benchmark's WebSocket server with Node.js and ws (Debian: node-ws).
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');

const mode = process.argv[2];
const deflate = { serverMaxWindowBits: 12, clientMaxWindowBits: 12, threshold: 1024,
                  zlibDeflateOptions: { memLevel: 5 } };
const web = http.createServer();
const server = new WebSocketServer({
  server: web, perMessageDeflate: mode === 'deflate' ? deflate : false });
server.on('connection', (socket) => {
  socket._socket.setNoDelay(true);
  socket.on('message', (data, isBinary) => {
    if (mode !== 'fanout') return socket.send(data, { binary: isBinary });
    for (const one of server.clients) one.send(data, { binary: isBinary });
  });
  socket.on('error', () => {});
});
web.listen(0, '127.0.0.1', 4096, () => console.log(web.address().port));
process.on('SIGTERM', () => process.exit(0));
