// Fan-out by hand: every event is one text, and each client is sent it. No GraphQL, no rights, no cursor.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { answerPublishing } from './peers/liveSchema.mjs';

const server = createServer((req, res) => {
  answerPublishing(req, res, (activityAdded) => {
    const text = JSON.stringify({ id: '1', type: 'next', payload: { data: { activityAdded } } });
    for (const client of sockets.clients) client.send(text);
  });
});
const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false });
sockets.on('connection', (socket) => {
  // As much of the protocol as the clients need to begin.
  socket.on('message', (data) => {
    if (String(data).includes('connection_init')) socket.send('{"type":"connection_ack"}');
  });
});
server.keepAliveTimeout = 65_000; // longer than a burst takes
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('SIGTERM', () => process.exit());
