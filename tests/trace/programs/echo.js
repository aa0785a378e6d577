// echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
const fs = require('fs');
const net = require('net');

const [, , role, path] = process.argv;
fs.writeFileSync(path, process.pid + '\n');
const log = (what, bytes) => fs.appendFileSync(path, `${what} ${bytes}\n`);

function send(peer, data) {
  log('send', data.length);
  peer.write(data);
}

if (role === 'server') {
  const server = net.createServer(peer => {
    server.close();
    peer.on('data', data => {
      log('receive', data.length);
      send(peer, data);
    });
    peer.on('end', () => log('receive', 0));
  });
  server.listen(7000, '127.0.0.1');
} else {
  const peer = net.connect(7000, '127.0.0.1');
  let size = 1;
  let left = size;
  peer.on('connect', () => send(peer, Buffer.alloc(size)));
  peer.on('data', data => {
    log('receive', data.length);
    left -= data.length;
    if (left > 0) return;
    size *= 10;
    left = size;
    if (size <= 10000) send(peer, Buffer.alloc(size));
    else peer.destroy();
  });
}
