// Subscriptions the plain way: yoga, graphql-ws, and yoga's own Redis event target.
import { createServer } from 'node:http';
import { createRedisEventTarget } from '@graphql-yoga/redis-event-target';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { answerPublishing, typeDefs } from './liveSchema.mjs';

const { REDIS_URL } = process.env;
const pubSub = createPubSub({
  eventTarget: createRedisEventTarget({
    publishClient: new Redis(REDIS_URL),
    // A connection that has subscribed may ask nothing else, not even whether the server is ready.
    subscribeClient: new Redis(REDIS_URL, { enableReadyCheck: false }),
  }),
});
const schema = createSchema({
  typeDefs,
  resolvers: {
    Subscription: {
      activityAdded: { subscribe: () => pubSub.subscribe('activity'), resolve: (event) => event },
    },
  },
});
const yoga = createYoga({ schema, logging: false });
const server = createServer((req, res) =>
  answerPublishing(req, res, (event) => pubSub.publish('activity', event)) ? undefined : yoga(req, res),
);
server.keepAliveTimeout = 65_000; // longer than a burst takes
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('SIGTERM', () => process.exit());
